/* An event as one line for people: what --plain prints, the events pane lists, `skydeck log` shows. */
#ifndef CORE_DATA_LINE_H
#define CORE_DATA_LINE_H

#include "core/base/buf.h"
#include "core/data/event.h"

struct model;

/* Adds the line without time and newline; m is the model after the event. Returns 0, and adds nothing, where an event
 * is not worth a line (runs, rounds, evidence: they are shown as state). */
int event_line(const struct event *ev, const struct model *m, struct buf *out);

/* Adds "+2.1 % [1.5 2.6]", or "+2.1 %" without a finite interval, or "" when change is NAN. */
void change_line(double change, double low, double high, struct buf *out);

#endif
