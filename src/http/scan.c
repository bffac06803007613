/* SPDX-License-Identifier: MIT */
/*
 * scan - find where a token, a target or a field value ends
 *
 * Three ways with one result: plain C, 16 bytes a step (SSE4.2), 32 bytes a step (AVX2). The wide
 * ones load only what lies inside the span: what is left behind the last whole step is read by a
 * load that ends with the span and looks again at bytes known to be good. Spans shorter than a step
 * go to the next narrower way.
 */
#include "http/grammar.h"

static size_t count_class(const char *at, size_t len, uint8_t class)
{
	size_t n = 0;

	while (n < len && char_is(at[n], class))
		n++;
	return n;
}

static size_t plain_token(const char *at, size_t len)
{
	return count_class(at, len, CHAR_TOKEN);
}

static size_t plain_target(const char *at, size_t len)
{
	return count_class(at, len, CHAR_TARGET);
}

static size_t plain_value(const char *at, size_t len)
{
	return count_class(at, len, CHAR_VALUE);
}

static const struct scanners plain = { "plain", plain_token, plain_target, plain_value };

struct scanners http_scan = { "plain", plain_token, plain_target, plain_value };

#ifdef __x86_64__

#include <immintrin.h>

#define STEP16 static inline __attribute__((always_inline, target("sse4.2")))
#define STEP32 static inline __attribute__((always_inline, target("avx2")))

/* A set bit for every byte that is not of the class. */
typedef unsigned (*bad16_fn)(__m128i bytes);
typedef unsigned (*bad32_fn)(__m256i bytes);

/*
 * Tokens by two table look-ups: bit h of the entry for a low nibble says whether the character with
 * high nibble h is one; bytes from 0x80 on look up zero.
 */
#define TOKEN_LOW \
	(char)0xe8, (char)0xfc, (char)0xf8, (char)0xfc, (char)0xfc, (char)0xfc, (char)0xfc, (char)0xfc, \
	(char)0xf8, (char)0xf8, (char)0xf4, (char)0x54, (char)0xd0, (char)0x54, (char)0xf4, (char)0x70
#define TOKEN_HIGH 1, 2, 4, 8, 16, 32, 64, (char)0x80, 0, 0, 0, 0, 0, 0, 0, 0

STEP16 unsigned bad_token16(__m128i bytes)
{
	__m128i high = _mm_and_si128(_mm_srli_epi16(bytes, 4), _mm_set1_epi8(0x0f));
	__m128i rows = _mm_shuffle_epi8(_mm_setr_epi8(TOKEN_LOW), bytes);
	__m128i row = _mm_shuffle_epi8(_mm_setr_epi8(TOKEN_HIGH), high);
	__m128i bad = _mm_cmpeq_epi8(_mm_and_si128(rows, row), _mm_setzero_si128());

	return (unsigned)_mm_movemask_epi8(bad);
}

STEP16 unsigned bad_target16(__m128i bytes)
{
	__m128i good = _mm_cmpgt_epi8(bytes, _mm_set1_epi8(' '));
	__m128i hash = _mm_cmpeq_epi8(bytes, _mm_set1_epi8('#'));
	__m128i del = _mm_cmpeq_epi8(bytes, _mm_set1_epi8(0x7f));

	return (unsigned)_mm_movemask_epi8(_mm_andnot_si128(_mm_or_si128(hash, del), good)) ^ 0xffff;
}

STEP16 unsigned bad_value16(__m128i bytes)
{
	__m128i control = _mm_cmpeq_epi8(_mm_min_epu8(bytes, _mm_set1_epi8(0x1f)), bytes);
	__m128i tab = _mm_cmpeq_epi8(bytes, _mm_set1_epi8('\t'));
	__m128i del = _mm_cmpeq_epi8(bytes, _mm_set1_epi8(0x7f));

	return (unsigned)_mm_movemask_epi8(_mm_or_si128(_mm_andnot_si128(tab, control), del));
}

STEP16 size_t count16(const char *at, size_t len, bad16_fn bad_bytes, uint8_t class)
{
	size_t n = 0;
	unsigned bad;

	if (len < 16)
		return count_class(at, len, class);
	for (; len - n >= 16; n += 16) {
		bad = bad_bytes(_mm_loadu_si128((const __m128i *)(at + n)));
		if (bad)
			return n + (unsigned)__builtin_ctz(bad);
	}
	if (n == len)
		return len;
	bad = bad_bytes(_mm_loadu_si128((const __m128i *)(at + len - 16)));
	return bad ? len - 16 + (unsigned)__builtin_ctz(bad) : len;
}

__attribute__((target("sse4.2")))
static size_t sse_token(const char *at, size_t len)
{
	return count16(at, len, bad_token16, CHAR_TOKEN);
}

__attribute__((target("sse4.2")))
static size_t sse_target(const char *at, size_t len)
{
	return count16(at, len, bad_target16, CHAR_TARGET);
}

__attribute__((target("sse4.2")))
static size_t sse_value(const char *at, size_t len)
{
	return count16(at, len, bad_value16, CHAR_VALUE);
}

static const struct scanners sse = { "sse4.2", sse_token, sse_target, sse_value };

STEP32 unsigned bad_token32(__m256i bytes)
{
	__m256i low = _mm256_setr_epi8(TOKEN_LOW, TOKEN_LOW);
	__m256i bits = _mm256_setr_epi8(TOKEN_HIGH, TOKEN_HIGH);
	__m256i high = _mm256_and_si256(_mm256_srli_epi16(bytes, 4), _mm256_set1_epi8(0x0f));
	__m256i rows = _mm256_shuffle_epi8(low, bytes);
	__m256i row = _mm256_shuffle_epi8(bits, high);
	__m256i bad = _mm256_cmpeq_epi8(_mm256_and_si256(rows, row), _mm256_setzero_si256());

	return (unsigned)_mm256_movemask_epi8(bad);
}

STEP32 unsigned bad_target32(__m256i bytes)
{
	__m256i good = _mm256_cmpgt_epi8(bytes, _mm256_set1_epi8(' '));
	__m256i hash = _mm256_cmpeq_epi8(bytes, _mm256_set1_epi8('#'));
	__m256i del = _mm256_cmpeq_epi8(bytes, _mm256_set1_epi8(0x7f));

	return ~(unsigned)_mm256_movemask_epi8(_mm256_andnot_si256(_mm256_or_si256(hash, del), good));
}

STEP32 unsigned bad_value32(__m256i bytes)
{
	__m256i control = _mm256_cmpeq_epi8(_mm256_min_epu8(bytes, _mm256_set1_epi8(0x1f)), bytes);
	__m256i tab = _mm256_cmpeq_epi8(bytes, _mm256_set1_epi8('\t'));
	__m256i del = _mm256_cmpeq_epi8(bytes, _mm256_set1_epi8(0x7f));

	return (unsigned)_mm256_movemask_epi8(_mm256_or_si256(_mm256_andnot_si256(tab, control), del));
}

STEP32 size_t count32(const char *at, size_t len, bad32_fn bad_bytes, bad16_fn bad_half, uint8_t class)
{
	size_t n = 0;
	unsigned bad;

	if (len < 32)
		return count16(at, len, bad_half, class);
	for (; len - n >= 32; n += 32) {
		bad = bad_bytes(_mm256_loadu_si256((const __m256i *)(at + n)));
		if (bad)
			return n + (unsigned)__builtin_ctz(bad);
	}
	if (n == len)
		return len;
	bad = bad_bytes(_mm256_loadu_si256((const __m256i *)(at + len - 32)));
	return bad ? len - 32 + (unsigned)__builtin_ctz(bad) : len;
}

__attribute__((target("avx2")))
static size_t avx_token(const char *at, size_t len)
{
	return count32(at, len, bad_token32, bad_token16, CHAR_TOKEN);
}

__attribute__((target("avx2")))
static size_t avx_target(const char *at, size_t len)
{
	return count32(at, len, bad_target32, bad_target16, CHAR_TARGET);
}

__attribute__((target("avx2")))
static size_t avx_value(const char *at, size_t len)
{
	return count32(at, len, bad_value32, bad_value16, CHAR_VALUE);
}

static const struct scanners avx = { "avx2", avx_token, avx_target, avx_value };

unsigned http_scan_variants(struct scanners ret_variants[SCAN_VARIANTS_MAX])
{
	unsigned n = 0;

	ret_variants[n++] = plain;
	__builtin_cpu_init();
	if (__builtin_cpu_supports("sse4.2"))
		ret_variants[n++] = sse;
	if (__builtin_cpu_supports("avx2"))
		ret_variants[n++] = avx;
	return n;
}

#else

unsigned http_scan_variants(struct scanners ret_variants[SCAN_VARIANTS_MAX])
{
	ret_variants[0] = plain;
	return 1;
}

#endif

void http_scan_init(void)
{
	struct scanners variants[SCAN_VARIANTS_MAX];
	unsigned n = http_scan_variants(variants);

	http_scan = variants[n - 1];
}
