/* seccomp_tree.c - see seccomp_tree.h */
#include "box/seccomp_tree.h"

#include <linux/filter.h>
#include <stdbool.h>
#include <stdlib.h>

enum {
	ENDS_MAX = 8,		/* different answers of one tree; a further one starts the next */
	RANGES_MAX = 200,	/* of one tree: its jumps reach 255 instructions */
	LIBRARY = BPF_JMP | BPF_JA,
};

struct range {
	uint32_t first;
	struct seccomp_answer answer;
};

/* One tree: its nodes in front, its answers behind, shared by all of its leaves. */
struct tree {
	struct sock_filter *out;
	const struct range *ranges;
	struct seccomp_answer ends[ENDS_MAX];
	size_t end_count, node_count, node_at;
};

static bool is_same(const struct seccomp_answer *a, const struct seccomp_answer *b)
{
	return a->by_library || b->by_library ? a->by_library && b->by_library
					      : a->action == b->action;
}

static size_t find_end(const struct tree *t, const struct seccomp_answer *answer)
{
	size_t i = 0;

	while (i < t->end_count && !is_same(&t->ends[i], answer))
		i++;
	return i;
}

/* Where the ranges from `from` to before `to` are decided; nodes are written on the way. */
static size_t write_node(struct tree *t, size_t from, size_t to)
{
	size_t at, middle = from + (to - from) / 2, below, above;

	if (to - from == 1)
		return t->node_count + find_end(t, &t->ranges[from].answer);
	at = t->node_at++;
	below = write_node(t, from, middle);
	above = write_node(t, middle, to);
	t->out[at] = (struct sock_filter){
		.code = BPF_JMP | BPF_JGE | BPF_K,
		.k = t->ranges[middle].first,
		.jt = (uint8_t)(above - at - 1),
		.jf = (uint8_t)(below - at - 1),
	};
	return at;
}

/* Of so many ranges as fit. */
static size_t write_tree(const struct range *ranges, size_t *count, struct sock_filter *out)
{
	struct tree t = { .out = out, .ranges = ranges };
	size_t taken = 0, end;

	for (; taken < *count && taken < RANGES_MAX; taken++) {
		end = find_end(&t, &ranges[taken].answer);
		if (end == ENDS_MAX)
			break;
		t.ends[end] = ranges[taken].answer;
		t.end_count += end == t.end_count;
	}
	*count = taken;
	t.node_count = taken - 1;
	write_node(&t, 0, taken);
	for (end = 0; end < t.end_count; end++)
		out[t.node_count + end] =
			t.ends[end].by_library ?
				(struct sock_filter)BPF_STMT(LIBRARY, UINT32_MAX) :
				(struct sock_filter)BPF_STMT(BPF_RET | BPF_K, t.ends[end].action);
	return t.node_count + t.end_count;
}

/* One tree after the other, each but the last behind a test whether the number lies beyond it. */
static size_t write_trees(const struct range *ranges, size_t count, struct sock_filter *out)
{
	size_t size = 0;

	while (count > 0) {
		size_t taken = count, here = write_tree(ranges, &taken, out + size);

		if (taken < count) {
			write_tree(ranges, &taken, out + size + 2);
			out[size] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K,
								 ranges[taken].first, 0, 1);
			out[size + 1] = (struct sock_filter)BPF_STMT(BPF_JMP | BPF_JA,
								     (uint32_t)here);
			size += 2;
		}
		size += here;
		ranges += taken;
		count -= taken;
	}
	return size;
}

size_t seccomp_tree_write(const struct seccomp_answer answers[SECCOMP_TREE_NUMBERS + 1],
			  struct sock_filter *out)
{
	struct range *ranges = calloc(SECCOMP_TREE_NUMBERS + 1, sizeof(*ranges));
	size_t count = 0, size;

	if (!ranges)
		abort();
	for (uint32_t i = 0; i <= SECCOMP_TREE_NUMBERS; i++)
		if (count == 0 || !is_same(&answers[i], &ranges[count - 1].answer))
			ranges[count++] = (struct range){ i, answers[i] };
	size = write_trees(ranges, count, out);
	free(ranges);
	for (size_t i = 0; i < size; i++)
		if (out[i].code == LIBRARY && out[i].k == UINT32_MAX)
			out[i].k = (uint32_t)(size - i - 1);
	return size;
}
