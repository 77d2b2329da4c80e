/* The baseline's value over the session: what each wave measured of it. */
#ifndef PANES_HISTORY_H
#define PANES_HISTORY_H

#include "core/data/model.h"
#include "core/data/query.h"

/* The baseline's rounds of each wave, voided ones left out, in the order of the model's waves; figures are NAN where there
 * are none. The caller frees it. */
struct spread *history_waves(const struct model *m);

/* Adds the mean of each wave that has one, oldest first. */
void history_means(const struct model *m, struct reals *out);

#endif
