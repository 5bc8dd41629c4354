/* test_members.c - each rule of config.json's members has a document that breaks it, and the
 * sentence with its JSON path; a bundle of another maker is checked as strictly as our own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "lib/arena.h"
#include "lib/buf.h"
#include "lib/err.h"
#include "oci/spec.h"

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

static const char *const places[] = { "ROOT", "PROCESS", "LINUX", "RESOURCES" };
enum place { ROOT, PROCESS, LINUX, RESOURCES, PLACES };

static struct arena *arena;

/* A small document with `members` (JSON with ' for ") in one of its objects. */
static const char *document(enum place place, const char *members)
{
	const char *in[PLACES] = { "", "", "", "" };
	char *quoted = arena_format(arena, "%s,", members);

	for (char *p = quoted; *p; p++)
		if (*p == '\'')
			*p = '"';
	in[place] = quoted;
	return arena_format(arena,
			    "{%s\"ociVersion\":\"1.3.0\",\"root\":{\"path\":\"r\"},\"process\":{%s"
			    "\"args\":[\"sh\"],\"cwd\":\"/\"},\"linux\":{%s\"resources\":{%s"
			    "\"pids\":{}}}}",
			    in[ROOT], in[PROCESS], in[LINUX], in[RESOURCES]);
}

struct rule {
	enum place place;
	const char *members, *sentence;
};

static void check(const struct rule *rules, size_t count)
{
	arena = arena_create(OCI_SPEC_ARENA_BYTES);
	for (size_t i = 0; i < count; i++) {
		const char *text = document(rules[i].place, rules[i].members), *want;
		struct err own = { 0 }, bundle = { 0 };

		want = arena_format(arena, "x: .%s", rules[i].sentence);
		if (oci_spec_parse(arena, "x", text, strlen(text), &own) ||
		    oci_spec_parse_bundle(arena, "x", text, strlen(text), &bundle))
			fail_msg("case %zu: accepted: %s", i, text);
		if (strncmp(own.text, want, strlen(want)) != 0 ||
		    strcmp(own.text, bundle.text) != 0)
			fail_msg("case %zu, in %s: %s\n  own    %s\n  bundle %s\n  want   %s", i,
				 places[rules[i].place], rules[i].members, own.text, bundle.text,
				 want);
	}
	arena_destroy(arena);
}

static void root(void **state)
{
	static const struct rule rules[] = {
		{ ROOT, "'hooks':[]", "hooks: must be an object" },
		{ ROOT, "'hooks':{'prestart':{}}", "hooks.prestart: must be an array" },
		{ ROOT, "'hooks':{'poststop':[7]}", "hooks.poststop[0]: must be an object" },
		{ ROOT, "'hooks':{'poststart':[{}]}", "hooks.poststart[0].path: is missing" },
		{ ROOT, "'hooks':{'createRuntime':[{'path':'/a'},{'path':'bin/b'}]}",
		  "hooks.createRuntime[1].path: must be an absolute path, not \"bin/b\"" },
		{ ROOT, "'hooks':{'createContainer':[{'path':'/a','timeout':-1}]}",
		  "hooks.createContainer[0].timeout: must be greater than 0 seconds" },
		{ ROOT, "'hooks':{'createContainer':[{'path':'/a','timeout':0}]}",
		  "hooks.createContainer[0].timeout: must be greater than 0 seconds" },
		{ ROOT, "'hooks':{'startContainer':[{'path':'/a','timeout':2147483648}]}",
		  "hooks.startContainer[0].timeout: must be from -2147483648 to 2147483647" },
		{ ROOT, "'hooks':{'startContainer':[{'path':'/a','args':'x'}]}",
		  "hooks.startContainer[0].args: must be an array" },
		{ ROOT, "'domainname':'d'",
		  "domainname: needs a uts namespace in .linux.namespaces" },
		{ ROOT, "'mounts':[{'type':'tmpfs'}]", "mounts[0].destination: is missing" },
		{ ROOT, "'mounts':[{'destination':''}]",
		  "mounts[0].destination: must be an absolute path without `..`" },
		{ ROOT, "'mounts':[{'destination':'../etc'}]",
		  "mounts[0].destination: must be an absolute path without `..`" },
		{ ROOT, "'mounts':[{'destination':'/a/..'}]",
		  "mounts[0].destination: must be an absolute path without `..`" },
		{ ROOT,
		  "'mounts':[{'destination':'/a','uidMappings':[{'containerID':0,'hostID':1,"
		  "'size':1}]}]",
		  "mounts[0]: uidMappings and gidMappings go together" },
		{ ROOT,
		  "'mounts':[{'destination':'/a','uidMappings':[{'containerID':0,'hostID':1,"
		  "'size':2},{'containerID':1,'hostID':9,'size':1}]}]",
		  "mounts[0].uidMappings[1]: overlaps mapping 0" },
		{ ROOT, "'mounts':[{'destination':'/a','options':[1]}]",
		  "mounts[0].options[0]: must be a string" },
		{ ROOT, "'mounts':[{'destination':'/\\u0000'}]",
		  "mounts[0].destination: contains a NUL byte" },
		{ ROOT, "'annotations':{'a':1}", "annotations.a: must be a string" },
		{ ROOT, "'annotations':{'':'1'}", "annotations: a key is empty" },
		{ ROOT, "'annotations':{'a':'1','a':'2'}", "annotations.a: occurs twice" },
	};

	(void)state;
	check(rules, COUNT(rules));
}

static void process(void **state)
{
#define SCHEDULER "process.scheduler"
	static const struct rule rules[] = {
		{ PROCESS, "'terminal':1", "process.terminal: must be true or false" },
		{ PROCESS, "'terminal':true,'consoleSize':{'height':65536,'width':1}",
		  "process.consoleSize.height: must be from 0 to 65535" },
		{ PROCESS, "'scheduler':{}", SCHEDULER ".policy: is missing" },
		{ PROCESS, "'scheduler':{'policy':'SCHED_ISO'}",
		  SCHEDULER ".policy: no Linux kernel has SCHED_ISO: choose SCHED_OTHER with a "
			    "nice below 0, or SCHED_RR" },
		{ PROCESS, "'scheduler':{'policy':'SCHED_OTHR'}",
		  SCHEDULER ".policy: \"SCHED_OTHR\" is unknown; did you mean SCHED_OTHER?" },
		{ PROCESS, "'scheduler':{'policy':'SCHED_OTHER','nice':20}",
		  SCHEDULER ".nice: must be from -20 to 19" },
		{ PROCESS, "'scheduler':{'policy':'SCHED_IDLE','nice':1}",
		  SCHEDULER ": nice is for SCHED_OTHER and SCHED_BATCH only" },
		{ PROCESS, "'scheduler':{'policy':'SCHED_OTHER','priority':1}",
		  SCHEDULER ": priority is for SCHED_FIFO and SCHED_RR only" },
		{ PROCESS, "'scheduler':{'policy':'SCHED_RR'}",
		  SCHEDULER ": SCHED_FIFO and SCHED_RR need a priority from 1 to 99" },
		{ PROCESS, "'scheduler':{'policy':'SCHED_RR','priority':100}",
		  SCHEDULER ".priority: must be from 0 to 99" },
		{ PROCESS, "'scheduler':{'policy':'SCHED_BATCH','flags':['SCHED_FLAG_X']}",
		  SCHEDULER ".flags[0]: \"SCHED_FLAG_X\" is unknown" },
		{ PROCESS, "'scheduler':{'policy':'SCHED_BATCH','runtime':1}",
		  SCHEDULER ": runtime, deadline and period are for SCHED_DEADLINE only" },
		{ PROCESS, "'scheduler':{'policy':'SCHED_DEADLINE','runtime':2,'deadline':1}",
		  SCHEDULER ": SCHED_DEADLINE needs runtime <= deadline <= period" },
		{ PROCESS, "'ioPriority':{'priority':1}", "process.ioPriority.class: is missing" },
		{ PROCESS, "'ioPriority':{'class':'IOPRIO_CLASS_NONE'}",
		  "process.ioPriority.class: \"IOPRIO_CLASS_NONE\" is unknown" },
		{ PROCESS, "'ioPriority':{'class':'IOPRIO_CLASS_BE','priority':8}",
		  "process.ioPriority.priority: must be from 0 to 7" },
		{ PROCESS, "'execCPUAffinity':{'initial':'3-1'}",
		  "process.execCPUAffinity.initial: \"3-1\" is no list of numbers" },
		{ PROCESS, "'execCPUAffinity':{'final':'8192'}",
		  "process.execCPUAffinity.final: \"8192\" is no list of numbers" },
		{ PROCESS, "'apparmorProfile':1", "process.apparmorProfile: must be a string" },
		{ PROCESS, "'selinuxLabel':[]", "process.selinuxLabel: must be a string" },
		{ PROCESS, "'selinuxLabel':'system_u:system_r:container_t:s0'",
		  "process.selinuxLabel: box sets no SELinux labels: leave it out" },
		{ PROCESS, "'rlimits':[{'type':'RLIMIT_NOFILE','soft':1}]",
		  "process.rlimits[0].hard: is missing" },
		{ PROCESS, "'rlimits':[1]", "process.rlimits[0]: must be an object" },
		{ PROCESS, "'env':['=x']", "process.env[0]: must be NAME=VALUE" },
		{ PROCESS, "'oomScoreAdj':-1001", "process.oomScoreAdj: must be from -1000 to" },
		{ PROCESS, "'oomScoreAdj':1.5", "process.oomScoreAdj: must be a whole number" },
		{ PROCESS, "'user':{'uid':0,'gid':0,'umask':4294967295}",
		  "process.user.umask: must be at most 511 (octal 777)" },
	};
#undef SCHEDULER

	(void)state;
	check(rules, COUNT(rules));
}

static void linux_object(void **state)
{
	static const struct rule rules[] = {
		{ LINUX, "'namespaces':[{'type':'net'}]",
		  "linux.namespaces[0]: no supported namespace is called \"net\"" },
		{ LINUX, "'namespaces':[{'type':'pid'},{'type':'pid','path':'/p'}]",
		  "linux.namespaces[1]: pid is given twice" },
		{ LINUX, "'namespaces':[{'type':'pid','path':'/p'},{'type':'pid','path':'/p'}]",
		  "linux.namespaces[1]: pid is given twice" },
		{ LINUX, "'namespaces':[{'type':'pid','path':'proc/1/ns/pid'}]",
		  "linux.namespaces[0].path: must be an absolute path" },
		{ LINUX, "'namespaces':[{'type':'pid','path':''}]",
		  "linux.namespaces[0].path: must be an absolute path" },
		{ LINUX, "'namespaces':[{'path':'/p'}]", "linux.namespaces[0].type: is missing" },
		{ LINUX,
		  "'namespaces':[{'type':'user'}],'uidMappings':[{'containerID':0,'hostID':1,"
		  "'size':1}]",
		  "linux: a user namespace and uidMappings, gidMappings go together" },
		{ LINUX, "'timeOffsets':{'monotonic':{'secs':1}}",
		  "linux.timeOffsets: needs a new time namespace" },
		{ LINUX,
		  "'timeOffsets':{'boottime':{'secs':1}},'namespaces':[{'type':'time','path':'/"
		  "t'}]",
		  "linux.timeOffsets: needs a new time namespace" },
		{ LINUX, "'timeOffsets':{'realtime':{}},'namespaces':[{'type':'time'}]",
		  "linux.timeOffsets.realtime: unknown key" },
		{ LINUX,
		  "'timeOffsets':{'boottime':{'nanosecs':1000000000}},'namespaces':[{'type':'time'}"
		  "]",
		  "linux.timeOffsets.boottime.nanosecs: must be from 0 to 999999999" },
		{ LINUX, "'devices':[{'path':'/dev/a','type':'x'}]",
		  "linux.devices[0].type: \"x\" is unknown" },
		{ LINUX, "'devices':[{'path':'dev/a','type':'p'}]",
		  "linux.devices[0].path: must be an absolute path" },
		{ LINUX, "'devices':[{'path':'/dev/a','type':'c','major':1}]",
		  "linux.devices[0]: major and minor are missing" },
		{ LINUX, "'devices':[{'path':'/dev/a','type':'c','major':4096,'minor':1}]",
		  "linux.devices[0].major: must be from 0 to 4095" },
		{ LINUX, "'devices':[{'path':'/dev/a','type':'c','major':1,'minor':1048576}]",
		  "linux.devices[0].minor: must be from 0 to 1048575" },
		{ LINUX, "'devices':[{'path':'/dev/a','type':'p','fileMode':65536}]",
		  "linux.devices[0].fileMode: must be at most 4095" },
		{ LINUX, "'netDevices':{'eth0':{}}",
		  "linux.netDevices: needs a network namespace" },
		{ LINUX, "'namespaces':[{'type':'network'}],'netDevices':{'eth0':{'name':'a/b'}}",
		  "linux.netDevices.eth0: an interface's name has 1 to 15 bytes" },
		{ LINUX, "'namespaces':[{'type':'network'}],'netDevices':{'0123456789abcdef':{}}",
		  "linux.netDevices.0123456789abcdef: an interface's name has 1 to 15 bytes" },
		{ LINUX, "'namespaces':[{'type':'network'}],'netDevices':{'a':{'name':'b'},'b':{}}",
		  "linux.netDevices.b: two devices get the same name" },
		{ LINUX, "'cgroupsPath':'/a/../b'", "linux.cgroupsPath: must not contain `..`" },
		{ LINUX, "'rootfsPropagation':'shard'",
		  "linux.rootfsPropagation: \"shard\" is unknown; did you mean shared?" },
		{ LINUX, "'maskedPaths':['proc']",
		  "linux.maskedPaths[0]: must be an absolute path" },
		{ LINUX, "'intelRdt':{}", "linux.intelRdt: Intel RDT is not supported" },
		{ LINUX, "'mountLabel':1", "linux.mountLabel: must be a string" },
		{ LINUX, "'mountLabel':'x'", "linux.mountLabel: box sets no SELinux labels" },
		{ LINUX, "'personality':{}", "linux.personality.domain: is missing" },
		{ LINUX, "'personality':{'domain':'LINUX64'}",
		  "linux.personality.domain: \"LINUX64\" is unknown; did you mean LINUX?" },
		{ LINUX, "'personality':{'domain':'LINUX','flags':['ADDR_NO_RANDOMIZE']}",
		  "linux.personality.flags: must be empty" },
		{ LINUX, "'memoryPolicy':{'mode':'MPOL_BIN','nodes':'0'}",
		  "linux.memoryPolicy.mode: \"MPOL_BIN\" is unknown; did you mean MPOL_BIND?" },
		{ LINUX, "'memoryPolicy':{'mode':'MPOL_BIND'}",
		  "linux.memoryPolicy: nodes are missing" },
		{ LINUX, "'memoryPolicy':{'mode':'MPOL_LOCAL','nodes':'0'}",
		  "linux.memoryPolicy: MPOL_DEFAULT and MPOL_LOCAL take no nodes" },
		{ LINUX, "'memoryPolicy':{'mode':'MPOL_BIND','nodes':'1-0'}",
		  "linux.memoryPolicy.nodes: \"1-0\" is no list" },
		{ LINUX, "'memoryPolicy':{'mode':'MPOL_LOCAL','flags':['MPOL_F_STATIC_NODES']}",
		  "linux.memoryPolicy: flags without nodes mean nothing" },
		{ LINUX,
		  "'memoryPolicy':{'mode':'MPOL_BIND','nodes':'0','flags':['MPOL_F_STATIC_NODES',"
		  "'MPOL_F_RELATIVE_NODES']}",
		  "linux.memoryPolicy: MPOL_F_STATIC_NODES and MPOL_F_RELATIVE_NODES exclude" },
		{ LINUX, "'sysctl':{'a':1}", "linux.sysctl.a: must be a string" },
	};

	(void)state;
	check(rules, COUNT(rules));
}

static void resources(void **state)
{
	static const struct rule rules[] = {
		{ RESOURCES, "'memory':{'limit':-2}",
		  "linux.resources.memory.limit: must be positive, or -1 for no limit" },
		{ RESOURCES, "'memory':{'swap':5}", "linux.resources.memory: swap needs a limit" },
		{ RESOURCES, "'memory':{'swappiness':101}",
		  "linux.resources.memory.swappiness: must be from 0 to 100" },
		{ RESOURCES, "'memory':{'useHierarchy':'x'}",
		  "linux.resources.memory.useHierarchy: must be true or false" },
		{ RESOURCES, "'cpu':{'idle':2}", "linux.resources.cpu.idle: must be from 0 to 1" },
		{ RESOURCES, "'cpu':{'quota':1000,'burst':1001}",
		  "linux.resources.cpu: burst must not be above quota" },
		{ RESOURCES, "'cpu':{'period':999}",
		  "linux.resources.cpu: period must be from 1000 to 1000000" },
		{ RESOURCES, "'cpu':{'mems':'x'}", "linux.resources.cpu.mems: \"x\" is no list" },
		{ RESOURCES, "'blockIO':{'weight':9}",
		  "linux.resources.blockIO.weight: must be from 10 to 1000" },
		{ RESOURCES, "'blockIO':{'weightDevice':[{'major':1,'minor':1}]}",
		  "linux.resources.blockIO.weightDevice[0]: needs a weight or a leafWeight" },
		{ RESOURCES, "'blockIO':{'throttleReadIOPSDevice':[{'major':1,'minor':1}]}",
		  "linux.resources.blockIO.throttleReadIOPSDevice[0].rate: is missing" },
		{ RESOURCES, "'blockIO':{'throttleWriteBpsDevice':[{'minor':1,'rate':1}]}",
		  "linux.resources.blockIO.throttleWriteBpsDevice[0].major: is missing" },
		{ RESOURCES, "'hugepageLimits':[{'pageSize':'2M','limit':1}]",
		  "linux.resources.hugepageLimits[0].pageSize: must be a size like 64KB" },
		{ RESOURCES, "'hugepageLimits':[{'pageSize':'2MB/../x','limit':1}]",
		  "linux.resources.hugepageLimits[0].pageSize: must be a size like 64KB" },
		{ RESOURCES, "'hugepageLimits':[{'pageSize':'2MB'}]",
		  "linux.resources.hugepageLimits[0].limit: is missing" },
		{ RESOURCES, "'rdma':{'a':{}}",
		  "linux.resources.rdma.a: needs hcaHandles or hcaObjects" },
		{ RESOURCES, "'rdma':{'':{'hcaHandles':1}}",
		  "linux.resources.rdma[\"\"]: the device has no name" },
		{ RESOURCES, "'rdma':{'a b':{'hcaHandles':1}}",
		  "linux.resources.rdma[\"a b\"]: a device's name has no blanks" },
		{ RESOURCES, "'rdma':{'a':{'hcaHandles':4294967296}}",
		  "linux.resources.rdma.a.hcaHandles: must be a whole number from 0 to "
		  "4294967295" },
		{ RESOURCES, "'network':{'classID':-1}",
		  "linux.resources.network.classID: must be a whole number" },
		{ RESOURCES, "'devices':[{}]", "linux.resources.devices[0]: allow is missing" },
		{ RESOURCES, "'devices':[{'allow':true,'type':'p'}]",
		  "linux.resources.devices[0].type: \"p\" is unknown" },
		{ RESOURCES, "'devices':[{'allow':true,'access':'rwx'}]",
		  "linux.resources.devices[0].access: must be made of r, w and m" },
		{ RESOURCES, "'devices':[{'allow':true,'major':-2}]",
		  "linux.resources.devices[0].major: must be from -1 to 4294967295" },
		{ RESOURCES, "'unified':{'../x.y':'1'}",
		  "linux.resources.unified[\"../x.y\"]: must be the name of a control file" },
		{ RESOURCES, "'unified':{'tasks':'1'}",
		  "linux.resources.unified.tasks: must be the name of a control file" },
		{ RESOURCES, "'unified':{'memory.high':1}",
		  "linux.resources.unified[\"memory.high\"]: must be a string" },
	};

	(void)state;
	check(rules, COUNT(rules));
}

static void seccomp(void **state)
{
#define ALLOW "'defaultAction':'SCMP_ACT_ALLOW'"
	static const struct rule rules[] = {
		{ LINUX, "'seccomp':{}", "linux.seccomp.defaultAction: is missing" },
		{ LINUX, "'seccomp':{'defaultAction':'SCMP_ACT_DENY'}",
		  "linux.seccomp.defaultAction: \"SCMP_ACT_DENY\" is unknown" },
		{ LINUX, "'seccomp':{" ALLOW ",'defaultErrnoRet':1}",
		  "linux.seccomp.defaultErrnoRet: SCMP_ACT_ALLOW returns no errno: leave it out" },
		{ LINUX, "'seccomp':{'defaultAction':'SCMP_ACT_ERRNO','defaultErrnoRet':4095}",
		  "linux.seccomp.defaultErrnoRet: must be from 0 to 4094" },
		{ LINUX, "'seccomp':{'defaultAction':'SCMP_ACT_TRACE','defaultErrnoRet':65536}",
		  "linux.seccomp.defaultErrnoRet: must be from 0 to 65535" },
		{ LINUX, "'seccomp':{'defaultAction':'SCMP_ACT_NOTIFY','listenerPath':'/s'}",
		  "linux.seccomp.defaultAction: SCMP_ACT_NOTIFY cannot be the default" },
		{ LINUX,
		  "'seccomp':{" ALLOW ",'syscalls':[{'names':['a'],'action':'SCMP_ACT_NOTIFY'}]}",
		  "linux.seccomp.syscalls[0]: SCMP_ACT_NOTIFY needs a listenerPath" },
		{ LINUX,
		  "'seccomp':{" ALLOW ",'listenerPath':'/s','syscalls':[{'names':['a','write'],"
		  "'action':'SCMP_ACT_NOTIFY'}]}",
		  "linux.seccomp.syscalls[0]: SCMP_ACT_NOTIFY cannot be used for write" },
		{ LINUX, "'seccomp':{" ALLOW ",'listenerPath':'s'}",
		  "linux.seccomp.listenerPath: must be an absolute path" },
		{ LINUX, "'seccomp':{" ALLOW ",'listenerMetadata':'s'}",
		  "linux.seccomp.listenerMetadata: needs a listenerPath" },
		{ LINUX, "'seccomp':{" ALLOW ",'flags':['SECCOMP_FILTER_FLAG_LOGS']}",
		  "linux.seccomp.flags[0]: \"SECCOMP_FILTER_FLAG_LOGS\" is unknown; did you mean" },
		{ LINUX, "'seccomp':{" ALLOW ",'architectures':['x86_64']}",
		  "linux.seccomp.architectures[0]: \"x86_64\" is unknown" },
		{ LINUX,
		  "'seccomp':{" ALLOW ",'syscalls':[{'names':['a'],'action':'SCMP_ACT_LOG',"
		  "'errnoRet':1}]}",
		  "linux.seccomp.syscalls[0].errnoRet: SCMP_ACT_LOG returns no errno" },
		{ LINUX, "'seccomp':{" ALLOW ",'syscalls':[{'action':'SCMP_ACT_LOG'}]}",
		  "linux.seccomp.syscalls[0]: names must not be empty" },
		{ LINUX,
		  "'seccomp':{" ALLOW ",'syscalls':[{'names':['a'],'action':'SCMP_ACT_LOG',"
		  "'args':[{'index':6,'value':0,'op':'SCMP_CMP_EQ'}]}]}",
		  "linux.seccomp.syscalls[0].args[0].index: must be from 0 to 5" },
		{ LINUX,
		  "'seccomp':{" ALLOW ",'syscalls':[{'names':['a'],'action':'SCMP_ACT_LOG',"
		  "'args':[{'index':0,'value':0,'op':'SCMP_CMP_EQUAL'}]}]}",
		  "linux.seccomp.syscalls[0].args[0].op: \"SCMP_CMP_EQUAL\" is unknown" },
		{ LINUX,
		  "'seccomp':{" ALLOW ",'syscalls':[{'names':['a'],'action':'SCMP_ACT_LOG',"
		  "'args':[{'index':0,'op':'SCMP_CMP_EQ'}]}]}",
		  "linux.seccomp.syscalls[0].args[0].value: is missing" },
	};
#undef ALLOW

	(void)state;
	check(rules, COUNT(rules));
}

/* Bounds: what is compared with all others of its list cannot be endless. */
static void too_many(void **state)
{
	struct buf maps, devices;
	struct rule rules[] = {
		{ LINUX, NULL, "linux.uidMappings: more than 340 mappings" },
		{ LINUX, NULL, "linux.netDevices: more than 256 devices" },
	};

	(void)state;
	buf_init(&maps, 1 << 16);
	buf_init(&devices, 1 << 16);
	buf_add_str(&maps, "'namespaces':[{'type':'user'}],'uidMappings':[");
	for (int i = 0; i <= OCI_ID_MAPS_MAX; i++)
		buf_add_format(&maps, "%s{'containerID':%d,'hostID':%d,'size':1}", i ? "," : "", i,
			       i);
	buf_add_str(&maps, "]");
	buf_add_str(&devices, "'namespaces':[{'type':'network'}],'netDevices':{");
	for (int i = 0; i <= 256; i++)
		buf_add_format(&devices, "%s'n%d':{}", i ? "," : "", i);
	buf_add_str(&devices, "}");
	rules[0].members = maps.data;
	rules[1].members = devices.data;
	check(rules, COUNT(rules));
	buf_finish(&maps);
	buf_finish(&devices);
}

static void versions(void **state)
{
	static const char *const good[] = { "1.0.0", "1.0.2-dev", "1.3.0", "1.99.7", "1.0.0+x" };
	static const char *const bad[] = { "", "1", "1.0", "1.0.", "1.0.0.0", "v1.0.0", "01.0.0",
					   "1.0.x", "1..0", " 1.0.0", "1.0.0 ", "0.9.0", "2.0.0" };
	struct err e;

	(void)state;
	arena = arena_create(OCI_SPEC_ARENA_BYTES);
	for (size_t i = 0; i < COUNT(good) + COUNT(bad); i++) {
		bool wanted = i < COUNT(good);
		const char *version = wanted ? good[i] : bad[i - COUNT(good)];
		const char *text = arena_format(
			arena, "{\"ociVersion\":\"%s\",\"root\":{\"path\":\"r\"}}", version);

		if (!!oci_spec_parse_bundle(arena, "x", text, strlen(text), &e) != wanted)
			fail_msg("version \"%s\": %s", version, wanted ? e.text : "accepted");
	}
	arena_destroy(arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(root),	     cmocka_unit_test(process),
		cmocka_unit_test(linux_object), cmocka_unit_test(resources),
		cmocka_unit_test(seccomp),	     cmocka_unit_test(too_many),
		cmocka_unit_test(versions),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
