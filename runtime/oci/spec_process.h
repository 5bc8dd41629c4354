/* spec_process.h - the object `process` of config.json. For spec.c and spec_write.c only. */
#pragma once

struct err;
struct json;
struct json_writer;
struct oci_process;
struct spec_reader;

/* Reads member `process` of the document's root; the struct starts zeroed. */
int spec_process_read(const struct spec_reader *r, const struct json *root, struct oci_process *p,
		      struct err *e);

/* The object itself, after its key. */
void spec_process_write(const struct oci_process *p, struct json_writer *w);

/* A key and an array of strings; NULL is the empty array. */
void spec_put_strings(struct json_writer *w, const char *key, const char *const *list);
