/* spec_schedule.c - when and where a container's process runs: `scheduler`, `ioPriority` and
 * `execCPUAffinity` of config.json's process (config.md "Linux Process"). */
#include <linux/ioprio.h>
#include <linux/sched.h>
#include <string.h>

#include "lib/arena.h"
#include "lib/err.h"
#include "lib/json.h"
#include "oci/spec.h"
#include "oci/spec_names.h"
#include "oci/spec_parts.h"
#include "oci/spec_put.h"
#include "oci/spec_read.h"

static const char *const scheduler_keys[] = { "deadline", "flags",  "nice",    "period",
					      "policy",	  "priority", "runtime", NULL };
static const char *const io_keys[] = { "class", "priority", NULL };
static const char *const affinity_keys[] = { "final", "initial", NULL };

/* sched(7) */
static const struct spec_word policies[] = {
	{ "SCHED_OTHER", SCHED_NORMAL }, { "SCHED_FIFO", SCHED_FIFO },
	{ "SCHED_RR", SCHED_RR },	 { "SCHED_BATCH", SCHED_BATCH },
	{ "SCHED_IDLE", SCHED_IDLE },	 { "SCHED_DEADLINE", SCHED_DEADLINE },
	{ "", 0 },
};
static const struct spec_word scheduler_flags[] = {
	{ "SCHED_FLAG_RESET_ON_FORK", SCHED_FLAG_RESET_ON_FORK },
	{ "SCHED_FLAG_RECLAIM", SCHED_FLAG_RECLAIM },
	{ "SCHED_FLAG_DL_OVERRUN", SCHED_FLAG_DL_OVERRUN },
	{ "SCHED_FLAG_KEEP_POLICY", SCHED_FLAG_KEEP_POLICY },
	{ "SCHED_FLAG_KEEP_PARAMS", SCHED_FLAG_KEEP_PARAMS },
	{ "SCHED_FLAG_UTIL_CLAMP_MIN", SCHED_FLAG_UTIL_CLAMP_MIN },
	{ "SCHED_FLAG_UTIL_CLAMP_MAX", SCHED_FLAG_UTIL_CLAMP_MAX },
	{ "", 0 },
};
static const struct spec_word io_classes[] = {
	{ "IOPRIO_CLASS_RT", IOPRIO_CLASS_RT },
	{ "IOPRIO_CLASS_BE", IOPRIO_CLASS_BE },
	{ "IOPRIO_CLASS_IDLE", IOPRIO_CLASS_IDLE },
	{ "", 0 },
};

/* What sched_setattr(2) would refuse with a bare EINVAL. */
static int check_scheduler(const struct spec_reader *r, const struct json *object,
			   const struct oci_scheduler *s, struct err *e)
{
	bool realtime = s->policy == SCHED_FIFO || s->policy == SCHED_RR;
	bool deadline = s->policy == SCHED_DEADLINE;
	uint64_t period = s->period_ns ? s->period_ns : s->deadline_ns;

	if (s->nice && s->policy != SCHED_NORMAL && s->policy != SCHED_BATCH)
		return spec_bad(r, object, e, "nice is for SCHED_OTHER and SCHED_BATCH only");
	if (realtime && !s->priority)
		return spec_bad(r, object, e,
				"SCHED_FIFO and SCHED_RR need a priority from 1 to 99");
	if (!realtime && s->priority)
		return spec_bad(r, object, e, "priority is for SCHED_FIFO and SCHED_RR only");
	if (!deadline && (s->runtime_ns || s->deadline_ns || s->period_ns))
		return spec_bad(r, object, e,
				"runtime, deadline and period are for SCHED_DEADLINE only");
	if (deadline && (!s->runtime_ns || s->runtime_ns > s->deadline_ns ||
			 s->deadline_ns > period))
		return spec_bad(r, object, e,
				"SCHED_DEADLINE needs runtime <= deadline <= period, in ns");
	return 0;
}

/* A word of the specification, which no kernel has behind it (sched(7)). */
static int check_policy(const struct spec_reader *r, const struct json *object, struct err *e)
{
	struct json item = json_member(object, "policy");
	const char *text;

	if (json_as_str(&item, &text, NULL) || strcmp(text, "SCHED_ISO") != 0)
		return 0;
	return spec_bad(r, &item, e, "no Linux kernel has SCHED_ISO: choose SCHED_OTHER with a "
				     "nice below 0, or SCHED_RR");
}

static int read_scheduler(const struct spec_reader *r, const struct json *process,
			  struct oci_process *p, struct err *e)
{
	struct json object;
	struct oci_scheduler *s;
	int64_t policy = 0, nice = 0, priority = 0;
	int found = spec_object(r, process, "scheduler", &object, e);

	if (found <= 0)
		return found;
	s = arena_alloc(r->arena, sizeof(*s));
	if (spec_keys(r, &object, scheduler_keys, e) || check_policy(r, &object, e) ||
	    spec_word(r, &object, "policy", policies, &policy, e) ||
	    spec_number(r, &object, "nice", -20, 19, &nice, e) < 0 ||
	    spec_number(r, &object, "priority", 0, 99, &priority, e) < 0 ||
	    spec_flags(r, &object, "flags", scheduler_flags, &s->flags, e) < 0 ||
	    json_opt_u64(&object, "runtime", &s->runtime_ns, e) ||
	    json_opt_u64(&object, "deadline", &s->deadline_ns, e) ||
	    json_opt_u64(&object, "period", &s->period_ns, e))
		return -1;
	s->policy = (int)policy;
	s->nice = (int)nice;
	s->priority = (uint32_t)priority;
	p->scheduler = s;
	return check_scheduler(r, &object, s, e);
}

static int read_io_priority(const struct spec_reader *r, const struct json *process,
			    struct oci_process *p, struct err *e)
{
	struct json object;
	struct oci_io_priority *io;
	int64_t class = 0, level = 0;
	int found = spec_object(r, process, "ioPriority", &object, e);

	if (found <= 0)
		return found;
	if (spec_keys(r, &object, io_keys, e) ||
	    spec_word(r, &object, "class", io_classes, &class, e) ||
	    spec_number(r, &object, "priority", 0, 7, &level, e) < 0)
		return -1;
	io = arena_alloc(r->arena, sizeof(*io));
	io->class = (int)class;
	io->level = (int)level;
	p->io_priority = io;
	return 0;
}

static int read_affinity(const struct spec_reader *r, const struct json *process,
			 struct oci_process *p, struct err *e)
{
	struct json object;
	int found = spec_object(r, process, "execCPUAffinity", &object, e);

	if (found <= 0)
		return found;
	return spec_keys(r, &object, affinity_keys, e) ||
			       spec_cpus(r, &object, "initial", &p->affinity_initial, e) ||
			       spec_cpus(r, &object, "final", &p->affinity_final, e)
		       ? -1
		       : 0;
}

int spec_schedule_read(const struct spec_reader *r, const struct json *process,
		       struct oci_process *p, struct err *e)
{
	return read_scheduler(r, process, p, e) || read_io_priority(r, process, p, e) ||
			       read_affinity(r, process, p, e)
		       ? -1
		       : 0;
}

static void write_scheduler(const struct oci_scheduler *s, struct json_writer *w)
{
	json_key(w, "scheduler");
	json_begin_object(w);
	spec_put_str(w, "policy", spec_word_name(policies, s->policy));
	spec_put_given(w, "nice", s->nice);
	spec_put_given(w, "priority", s->priority);
	if (s->flags)
		spec_put_flags(w, "flags", scheduler_flags, s->flags);
	if (s->policy == SCHED_DEADLINE) {
		spec_put_u64(w, "runtime", s->runtime_ns);
		spec_put_u64(w, "deadline", s->deadline_ns);
		spec_put_u64(w, "period", s->period_ns);
	}
	json_end_object(w);
}

void spec_schedule_write(const struct oci_process *p, struct json_writer *w)
{
	if (p->scheduler)
		write_scheduler(p->scheduler, w);
	if (p->io_priority) {
		json_key(w, "ioPriority");
		json_begin_object(w);
		spec_put_str(w, "class", spec_word_name(io_classes, p->io_priority->class));
		spec_put_i64(w, "priority", p->io_priority->level);
		json_end_object(w);
	}
	if (p->affinity_initial || p->affinity_final) {
		json_key(w, "execCPUAffinity");
		json_begin_object(w);
		spec_put_str(w, "initial", p->affinity_initial);
		spec_put_str(w, "final", p->affinity_final);
		json_end_object(w);
	}
}
