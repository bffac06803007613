/* SPDX-License-Identifier: MIT */
#include "message/packet.h"

#include <string.h>

static bool has_letters(const struct envelope *e, const char *packet, size_t size)
{
	size_t at = sizeof(*e);
	uint32_t n = 0;

	while (size - at >= sizeof(struct letter)) {
		struct letter letter;

		memcpy(&letter, packet + at, sizeof(letter));
		if (letter.size > PACKET_LETTER_MAX || letter_span(letter.size) > size - at)
			return false;
		at += letter_span(letter.size);
		n++;
	}
	return at == size && n == e->n && n > 0;
}

static bool has_large(const struct envelope *e, const char *packet, size_t size)
{
	struct letter letter;

	if (e->n != 1 || size != sizeof(*e) + sizeof(letter))
		return false;
	memcpy(&letter, packet + sizeof(*e), sizeof(letter));
	return letter.size > PACKET_LETTER_MAX && letter.size <= BROOD_MESSAGE_MAX;
}

static bool is_letters(const struct envelope *e, const char *packet, size_t size, unsigned n_fds)
{
	bool large = e->flags & ENVELOPE_LARGE, handle = e->flags & ENVELOPE_HANDLE;

	if (e->flags & ~(ENVELOPE_LARGE | ENVELOPE_HANDLE) || e->to > BROOD_TO_OTHERS)
		return false;
	if (n_fds != (unsigned)large + handle || (handle && e->n != 1))
		return false;
	return large ? has_large(e, packet, size) : has_letters(e, packet, size);
}

bool packet_check(const void *packet, size_t size, unsigned n_fds, bool from_parent)
{
	static const bool from_anybody[] = {
#define FROM(name, is_from_anybody, meaning) [PACKET_##name] = is_from_anybody,
		PACKET_KINDS(FROM)
#undef FROM
	};
	struct envelope e;

	if (size < sizeof(e))
		return false;
	memcpy(&e, packet, sizeof(e));
	if (e.kind >= PACKET_N_KINDS || (!from_parent && !from_anybody[e.kind]))
		return false;
	if (e.kind == PACKET_LETTERS)
		return is_letters(&e, packet, size, n_fds);
	if (e.kind == PACKET_EVENT)
		return n_fds == 0 && size == sizeof(e) + sizeof(struct event_note);
	return n_fds == 0 && size == sizeof(e) && e.n > 0 && e.to <= BROOD_TO_OTHERS;
}

const void *packet_letter(const void *packet, size_t *at, uint64_t *ret_size)
{
	const char *from = (const char *)packet + *at;
	struct letter letter;

	memcpy(&letter, from, sizeof(letter));
	*ret_size = letter.size;
	*at += letter_span(letter.size);
	return from + sizeof(letter);
}
