/* indent.h - JSON for people: two blanks a level, one member a line. Pure. */
#pragma once

struct buf;

/* `json` is one whole document as json.h writes it; ends with a newline. */
void indent_json(const char *json, struct buf *out);
