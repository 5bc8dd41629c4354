/* spec_linux.h - the object `linux` of config.json. For spec.c and spec_write.c only. */
#pragma once

struct err;
struct json;
struct json_writer;
struct oci_spec;
struct spec_reader;

/* Reads member `linux` of the document's root; the fields of *s start zeroed. */
int spec_linux_read(const struct spec_reader *r, const struct json *root, struct oci_spec *s,
		    struct err *e);

/* The object itself, after its key. */
void spec_linux_write(const struct oci_spec *s, struct json_writer *w);
