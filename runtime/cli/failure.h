/* failure.h - how a command that failed says so: one sentence on standard error and a line in the
 * file of --log, whose text callers show to their users. */
#pragma once

struct err;
struct globals;

/* Opens what --log names, as crun does in front of each command: whoever reads the file would else
 * hear of nothing. On failure the globals have no log any more. */
int failure_try(struct globals *g, struct err *e);

/* {"level":"error","msg":"...","time":"2026-11-26T15:30:44.123456789Z"} with --log-format=json,
 * time="..." level=error msg="..." without. */
void failure_tell(const struct globals *g, const struct err *why);
