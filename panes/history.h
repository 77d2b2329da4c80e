/* The baseline's value over the session: what each wave measured of it. */
#ifndef PANES_HISTORY_H
#define PANES_HISTORY_H

#include "core/data/model.h"
#include "core/data/query.h"

/* The baseline's rounds in a wave, voided ones left out; NAN figures where there are none. */
struct spread history_of_wave(const struct model *m, unsigned wave);

/* Adds the mean of each wave that has one, oldest first. */
void history_means(const struct model *m, struct reals *out);

#endif
