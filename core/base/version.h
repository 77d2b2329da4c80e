/* This skydeck's version, and how it names itself to the services that it asks. Who packages it says where it lives:
 * CFLAGS += -DSKYDECK_URL='"https://…"' */
#ifndef CORE_BASE_VERSION_H
#define CORE_BASE_VERSION_H

#define SKYDECK_VERSION "0.1.0"
#ifdef SKYDECK_URL
#define SKYDECK_USER_AGENT "skydeck/" SKYDECK_VERSION " (+" SKYDECK_URL ")"
#else
#define SKYDECK_USER_AGENT "skydeck/" SKYDECK_VERSION
#endif

#endif
