/* spec_parts.h - the objects inside config.json, a reader and a writer for each; for the spec*.c
 * files only.
 *
 * A reader takes the object that holds the member, and its fields start zeroed. A writer puts its
 * members, with their keys, into the object that is open; what is not given is not written. */
#pragma once

#include <stddef.h>

struct err;
struct json;
struct json_writer;
struct oci_id_maps;
struct oci_process;
struct oci_resources;
struct oci_spec;
struct spec_reader;

/* Root: mounts, hooks. */
int spec_mounts_read(const struct spec_reader *r, const struct json *root, struct oci_spec *s,
		     struct err *e);
void spec_mounts_write(const struct oci_spec *s, struct json_writer *w);
int spec_hooks_read(const struct spec_reader *r, const struct json *root, struct oci_spec *s,
		    struct err *e);
void spec_hooks_write(const struct oci_spec *s, struct json_writer *w);

/* The object process itself. */
int spec_process_read(const struct spec_reader *r, const struct json *object, struct oci_process *p,
		      struct err *e);
void spec_process_write(const struct oci_process *p, struct json_writer *w);
/* process: user, capabilities */
int spec_user_read(const struct spec_reader *r, const struct json *process, struct oci_process *p,
		   struct err *e);
void spec_user_write(const struct oci_process *p, struct json_writer *w);
/* process: scheduler, ioPriority, execCPUAffinity */
int spec_schedule_read(const struct spec_reader *r, const struct json *process,
		       struct oci_process *p, struct err *e);
void spec_schedule_write(const struct oci_process *p, struct json_writer *w);

/* Root: linux. */
int spec_linux_read(const struct spec_reader *r, const struct json *root, struct oci_spec *s,
		    struct err *e);
void spec_linux_write(const struct oci_spec *s, struct json_writer *w);
/* linux: namespaces, timeOffsets, uidMappings, gidMappings */
int spec_namespaces_read(const struct spec_reader *r, const struct json *linux_object,
			 struct oci_spec *s, struct err *e);
void spec_namespaces_write(const struct oci_spec *s, struct json_writer *w);
int spec_id_maps_read(const struct spec_reader *r, const struct json *object, const char *key,
		      struct oci_id_maps *maps, struct err *e);
void spec_id_maps_write(const struct oci_id_maps *maps, const char *key, struct json_writer *w);
/* linux: devices, netDevices */
int spec_devices_read(const struct spec_reader *r, const struct json *linux_object,
		      struct oci_spec *s, struct err *e);
void spec_devices_write(const struct oci_spec *s, struct json_writer *w);

/* The object resources itself. */
int spec_resources_read(const struct spec_reader *r, const struct json *object,
			struct oci_resources *o, struct err *e);
void spec_resources_write(const struct oci_resources *o, struct json_writer *w);
/* resources: devices */
int spec_devices_read_rules(const struct spec_reader *r, const struct json *resources,
			    struct oci_resources *o, struct err *e);
void spec_devices_write_rules(const struct oci_resources *o, struct json_writer *w);
/* resources: blockIO */
int spec_io_read(const struct spec_reader *r, const struct json *resources,
		 struct oci_resources *o, struct err *e);
void spec_io_write(const struct oci_resources *o, struct json_writer *w);
