/* hash.c - see hash.h */
#include "lib/hash.h"

#include <cpuid.h>
#include <immintrin.h>
#include <string.h>

/* FIPS 180-4, 4.2.2: the first 32 bits of the fractional parts of the cube roots of the first 64
 * primes. */
static const uint32_t constants[64] __attribute__((aligned(16))) = {
	0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4,
	0xab1c5ed5, 0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe,
	0x9bdc06a7, 0xc19bf174, 0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f,
	0x4a7484aa, 0x5cb0a9dc, 0x76f988da, 0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7,
	0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967, 0x27b70a85, 0x2e1b2138, 0x4d2c6dfc,
	0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85, 0xa2bfe8a1, 0xa81a664b,
	0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070, 0x19a4c116,
	0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
	0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7,
	0xc67178f2,
};

static uint32_t turn(uint32_t x, unsigned bits)
{
	return x >> bits | x << (32 - bits);
}

static void fill_schedule(uint32_t w[64], const unsigned char *block)
{
	for (unsigned i = 0; i < 16; i++)
		w[i] = (uint32_t)block[4 * i] << 24 | (uint32_t)block[4 * i + 1] << 16 |
		       (uint32_t)block[4 * i + 2] << 8 | block[4 * i + 3];
	for (unsigned i = 16; i < 64; i++) {
		uint32_t a = w[i - 15], b = w[i - 2];

		w[i] = w[i - 16] + w[i - 7] + (turn(a, 7) ^ turn(a, 18) ^ a >> 3) +
		       (turn(b, 17) ^ turn(b, 19) ^ b >> 10);
	}
}

/* FIPS 180-4, 6.2.2; the letters are the standard's. */
static void blocks_in_c(uint32_t state[8], const unsigned char *data, size_t count)
{
	uint32_t w[64];

	for (; count > 0; count--, data += HASH_BLOCK_BYTES) {
		uint32_t a = state[0], b = state[1], c = state[2], d = state[3];
		uint32_t e = state[4], f = state[5], g = state[6], h = state[7];

		fill_schedule(w, data);
		for (unsigned i = 0; i < 64; i++) {
			uint32_t t1 = h + (turn(e, 6) ^ turn(e, 11) ^ turn(e, 25)) +
				      ((e & f) ^ (~e & g)) + constants[i] + w[i];
			uint32_t t2 = (turn(a, 2) ^ turn(a, 13) ^ turn(a, 22)) +
				      ((a & b) ^ (a & c) ^ (b & c));

			h = g, g = f, f = e, e = d + t1;
			d = c, c = b, b = a, a = t1 + t2;
		}
		state[0] += a, state[1] += b, state[2] += c, state[3] += d;
		state[4] += e, state[5] += f, state[6] += g, state[7] += h;
	}
}

/* Four words of the schedule from the sixteen before: sha256msg1 and msg2 have the two sigmas, the
 * seventh word back is put in by hand (Intel SDM, SHA256MSG1, SHA256MSG2). */
__attribute__((target("sha,sse4.1"))) static __m128i next_words(const __m128i w[4], unsigned i)
{
	__m128i seventh = _mm_alignr_epi8(w[(i + 3) & 3], w[(i + 2) & 3], 4);
	__m128i sum = _mm_add_epi32(_mm_sha256msg1_epu32(w[i & 3], w[(i + 1) & 3]), seventh);

	return _mm_sha256msg2_epu32(sum, w[(i + 3) & 3]);
}

/* The instructions keep the state as ABEF and CDGH and take the words of two rounds at a time. */
__attribute__((target("sha,sse4.1"))) static void blocks_by_cpu(uint32_t state[8],
								const unsigned char *data,
								size_t count)
{
	const __m128i big_endian = _mm_set_epi64x(0x0c0d0e0f08090a0b, 0x0405060700010203);
	__m128i dcba = _mm_shuffle_epi32(_mm_loadu_si128((const __m128i *)&state[0]), 0xb1);
	__m128i hgfe = _mm_shuffle_epi32(_mm_loadu_si128((const __m128i *)&state[4]), 0x1b);
	__m128i abef = _mm_alignr_epi8(dcba, hgfe, 8);
	__m128i cdgh = _mm_blend_epi16(hgfe, dcba, 0xf0);

	for (; count > 0; count--, data += HASH_BLOCK_BYTES) {
		const __m128i abef_before = abef, cdgh_before = cdgh;
		__m128i w[4];

		for (unsigned i = 0; i < 16; i++) {
			w[i & 3] = i < 4 ? _mm_shuffle_epi8(
						   _mm_loadu_si128((const __m128i *)data + i),
						   big_endian)
					 : next_words(w, i);
			__m128i m = _mm_add_epi32(w[i & 3],
						  _mm_load_si128((const __m128i *)constants + i));

			cdgh = _mm_sha256rnds2_epu32(cdgh, abef, m);
			abef = _mm_sha256rnds2_epu32(abef, cdgh, _mm_shuffle_epi32(m, 0x0e));
		}
		abef = _mm_add_epi32(abef, abef_before);
		cdgh = _mm_add_epi32(cdgh, cdgh_before);
	}
	__m128i feba = _mm_shuffle_epi32(abef, 0x1b), dchg = _mm_shuffle_epi32(cdgh, 0xb1);

	_mm_storeu_si128((__m128i *)&state[0], _mm_blend_epi16(feba, dchg, 0xf0));
	_mm_storeu_si128((__m128i *)&state[4], _mm_alignr_epi8(dchg, feba, 8));
}

static bool cpu_has_it(void)
{
	unsigned a, b, c, d;

	if (!__get_cpuid_count(7, 0, &a, &b, &c, &d) || !(b & bit_SHA))
		return false;
	return __get_cpuid(1, &a, &b, &c, &d) && (c & bit_SSE4_1) && (c & bit_SSSE3);
}

void hash_init(struct hash *h)
{
	/* FIPS 180-4, 5.3.3 */
	static const uint32_t first[8] = { 0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
					   0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19 };

	memcpy(h->state, first, sizeof(first));
	h->size_bytes = 0;
	h->by_cpu = cpu_has_it();
}

static void add_blocks(struct hash *h, const unsigned char *data, size_t count)
{
	if (h->by_cpu)
		blocks_by_cpu(h->state, data, count);
	else
		blocks_in_c(h->state, data, count);
}

void hash_add(struct hash *h, const void *data, size_t size_bytes)
{
	const unsigned char *at = data;
	size_t held = h->size_bytes % HASH_BLOCK_BYTES;

	h->size_bytes += size_bytes;
	if (held > 0) {
		size_t room = HASH_BLOCK_BYTES - held;
		size_t n = size_bytes < room ? size_bytes : room;

		memcpy(h->block + held, at, n);
		at += n;
		size_bytes -= n;
		if (n < room)
			return;
		add_blocks(h, h->block, 1);
	}
	add_blocks(h, at, size_bytes / HASH_BLOCK_BYTES);
	if (size_bytes % HASH_BLOCK_BYTES)
		memcpy(h->block, at + size_bytes / HASH_BLOCK_BYTES * HASH_BLOCK_BYTES,
		       size_bytes % HASH_BLOCK_BYTES);
}

/* FIPS 180-4, 5.1.1: a one bit, zeros, the size in bits. */
void hash_finish(struct hash *h, unsigned char digest[HASH_BYTES])
{
	const uint64_t size_bits = h->size_bytes * 8;
	size_t held = h->size_bytes % HASH_BLOCK_BYTES;

	h->block[held++] = 0x80;
	if (held > HASH_BLOCK_BYTES - 8) {
		memset(h->block + held, 0, HASH_BLOCK_BYTES - held);
		add_blocks(h, h->block, 1);
		held = 0;
	}
	memset(h->block + held, 0, HASH_BLOCK_BYTES - held);
	for (unsigned i = 0; i < 8; i++)
		h->block[HASH_BLOCK_BYTES - 1 - i] = (unsigned char)(size_bits >> 8 * i);
	add_blocks(h, h->block, 1);
	for (unsigned i = 0; i < HASH_BYTES; i++)
		digest[i] = (unsigned char)(h->state[i / 4] >> (24 - 8 * (i % 4)));
}

void hash_hex(const unsigned char digest[HASH_BYTES], char hex[HASH_HEX_BYTES])
{
	static const char digits[] = "0123456789abcdef";

	for (unsigned i = 0; i < HASH_BYTES; i++) {
		hex[2 * i] = digits[digest[i] >> 4];
		hex[2 * i + 1] = digits[digest[i] & 15];
	}
	hex[HASH_HEX_BYTES - 1] = '\0';
}
