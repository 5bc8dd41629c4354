/* commands.h - every verb of box: the row that each command_VERB.c defines. */
#pragma once

struct command;

extern const struct command command_create, command_delete, command_events, command_exec,
	command_features, command_kill, command_list, command_pause, command_plan, command_ps,
	command_resume, command_run, command_spec, command_start, command_state, command_update;
/* Refused with a sentence: no kernel of ours can do it. */
extern const struct command command_checkpoint, command_restore;

/* Sorted by name, NULL-terminated. */
extern const struct command *const commands[];
