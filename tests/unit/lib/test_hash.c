/* test_hash.c - SHA-256 against NIST's vectors, and the CPU's way against the C way at every size.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lib/hash.h"

static void digest(const void *data, size_t size_bytes, size_t step, bool may_use_cpu,
		   char hex[HASH_HEX_BYTES])
{
	unsigned char out[HASH_BYTES];
	struct hash h;

	hash_init(&h);
	h.by_cpu &= may_use_cpu;
	for (size_t at = 0; at < size_bytes; at += step)
		hash_add(&h, (const char *)data + at,
			 size_bytes - at < step ? size_bytes - at : step);
	hash_finish(&h, out);
	hash_hex(out, hex);
}

/* FIPS 180-4 examples and the NIST CAVP short messages. */
static void vectors(void **state)
{
	static const struct {
		const char *text, *hex;
	} cases[] = {
		{ "", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855" },
		{ "abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad" },
		{ "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
		  "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1" },
		{ "abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmnhijklmno"
		  "ijklmnopjklmnopqklmnopqrlmnopqrsmnopqrstnopqrstu",
		  "cf5b16a778af8380036ce59e7b0492370b249b11e8f07a51afac45037afee9d1" },
		{ "\xd3", "28969cdfa74a12c82f3bad960b0b000aca2ac329deea5c2328ebc6f2ba9802c1" },
	};
	char hex[HASH_HEX_BYTES];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		for (int cpu = 0; cpu < 2; cpu++) {
			digest(cases[i].text, strlen(cases[i].text), 1000, cpu, hex);
			assert_string_equal(hex, cases[i].hex);
		}
}

static void million(void **state)
{
	char *text = malloc(1000000), hex[HASH_HEX_BYTES];

	(void)state;
	memset(text, 'a', 1000000);
	for (int cpu = 0; cpu < 2; cpu++) {
		digest(text, 1000000, 997, cpu, hex);
		assert_string_equal(
			hex, "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
	}
	free(text);
}

static void every_size(void **state)
{
	unsigned char data[300];
	char one[HASH_HEX_BYTES], other[HASH_HEX_BYTES];

	(void)state;
	for (size_t i = 0; i < sizeof(data); i++)
		data[i] = (unsigned char)(i * 7 + 1);
	for (size_t size = 0; size <= sizeof(data); size++)
		for (size_t step = 1; step < 140; step += 23) {
			digest(data, size, sizeof(data), false, one);
			digest(data, size, step, true, other);
			assert_string_equal(one, other);
		}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(vectors),
		cmocka_unit_test(million),
		cmocka_unit_test(every_size),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
