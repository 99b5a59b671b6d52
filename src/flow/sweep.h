/* What turns that were cut short left published. */
#ifndef FLOW_SWEEP_H
#define FLOW_SWEEP_H

#include "flow/run.h"

/* Takes away what earlier processes left published for this certificate, but for what waits for a
 * person, and what belongs to an order that is open: the CA may be looking at it, and whoever goes
 * on with the order finds it there. */
NODISCARD int sweep_old(struct run *r, struct arena *a, const struct cert *c, struct err *e);
/* At the end of a turn: what belongs to an open order too. *left: how many could not be taken away.
 */
NODISCARD int sweep_rest(struct run *r, struct arena *a, const struct cert *c, size_t *left,
                         struct err *e);
/* Takes away everything, waiting ones too. */
NODISCARD int sweep_all(struct run *r, struct arena *a, const struct cert *c, struct err *e);

/* Takes away what these rows say; waiting_too: what waits for a person too. What cannot be taken
 * away stays recorded. The methods of the rows are lost. */
void sweep_rows(struct run *r, struct arena *a, const struct cert *c, struct challenge *v, size_t n,
                bool waiting_too);

#endif
