/* SPDX-License-Identifier: MIT */
/*
 * dns - the addresses and texts of a few names: brood serve --listen udp:127.0.0.1:5353 --handler ./dns.so
 *
 *   dig @127.0.0.1 -p 5353 www.example.test AAAA
 *
 * The server of one zone, the table below, over UDP alone. It answers A, AAAA, TXT and SOA; says which names and
 * types there are not, with the SOA by which that may be cached; and refuses what is not of its zone. A query is
 * read strictly: what it cannot be sure of is FORMERR, what is no query gets no answer. No answer has over 1232
 * bytes, and none more than who asks can take: one that would is empty and says that it is cut (TC).
 *
 * Fails by: having no TCP, so that who asks with less room than an answer needs does not get it.
 */
#include <brood.h>

#include <arpa/inet.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <strings.h>

#define ANSWER_MOST	1232	/* fits one packet nearly everywhere (DNS flag day 2020) */
#define ANSWER_PLAIN	512	/* of who has no EDNS */
#define NAME_MOST	255
#define LABEL_MOST	63
#define HEADER_BYTES	12
#define TTL_S		300

enum { TYPE_A = 1, TYPE_SOA = 6, TYPE_TXT = 16, TYPE_AAAA = 28, TYPE_OPT = 41, TYPE_IXFR = 251, TYPE_ANY = 255 };
enum { CLASS_IN = 1 };
enum { FLAG_ANSWER = 0x8000, MASK_OPCODE = 0x7800 };
enum { FLAG_AUTHORITY = 0x0400, FLAG_CUT = 0x0200, FLAG_RECURSION = 0x0100 };
enum { NO_ERROR = 0, FORMAT_ERROR = 1, NO_SUCH_NAME = 3, NOT_IMPLEMENTED = 4, REFUSED = 5, BAD_VERSION = 16 };

static const char zone[] = "example.test";

#define FIFTY "fifty bytes that only help to make a text long ... "
#define FOUR_TIMES FIFTY FIFTY FIFTY FIFTY

static const struct record {
	const char	*name;
	uint16_t	 type;
	const char	*value;
} records[] = {
	{ "example.test",	TYPE_A,		"192.0.2.1" },
	{ "example.test",	TYPE_AAAA,	"2001:db8::1" },
	{ "example.test",	TYPE_TXT,	"v=spf1 -all" },
	{ "www.example.test",	TYPE_A,		"192.0.2.80" },
	{ "www.example.test",	TYPE_A,		"192.0.2.81" },
	{ "www.example.test",	TYPE_AAAA,	"2001:db8::80" },
	{ "long.example.test",	TYPE_TXT,	FOUR_TIMES FOUR_TIMES FOUR_TIMES },
};

#define N_RECORDS (sizeof(records) / sizeof(records[0]))

/* ---- what is asked ---- */

struct reader {
	const uint8_t	*at, *end;
	bool		 bad;	/* there was less than was wanted */
};

struct query {
	uint16_t	 id, flags;
	const uint8_t	*name;		/* labels, and the end */
	size_t		 name_len;
	uint16_t	 type, class;
	bool		 has_opt;
	uint16_t	 room;		/* for an answer */
	uint8_t		 version;	/* of EDNS */
};

static const uint8_t *take(struct reader *r, size_t n)
{
	const uint8_t *at = r->at;

	if (r->bad || (size_t)(r->end - r->at) < n) {
		r->bad = true;
		return NULL;
	}
	r->at += n;
	return at;
}

static uint8_t take8(struct reader *r)
{
	const uint8_t *at = take(r, 1);

	return at ? at[0] : 0;
}

static uint16_t take16(struct reader *r)
{
	const uint8_t *at = take(r, 2);

	return at ? (uint16_t)(at[0] << 8 | at[1]) : 0;
}

/* In a question there is nothing before it that a compressed name could point to. */
static void take_name(struct reader *r, struct query *q)
{
	uint8_t len;

	q->name = r->at;
	do {
		len = take8(r);
		r->bad |= len > LABEL_MOST;
		(void)take(r, r->bad ? 0 : len);
	} while (!r->bad && len > 0 && r->at - q->name <= NAME_MOST);
	q->name_len = (size_t)(r->at - q->name);
	r->bad |= q->name_len > NAME_MOST;
}

/* Options are passed over, but must be whole. */
static void take_opt(struct reader *r, struct query *q)
{
	uint16_t size;

	r->bad |= take8(r) != 0 || take16(r) != TYPE_OPT;
	size = take16(r);
	(void)take8(r);		/* more of a code that a query has not */
	q->version = take8(r);
	(void)take16(r);
	(void)take(r, take16(r));
	q->has_opt = !r->bad;
	if (q->has_opt && size > q->room)
		q->room = size < ANSWER_MOST ? size : ANSWER_MOST;
}

/* Return: a code; -1 = it is no query, and gets no answer. */
static int read_query(const void *data, size_t len, struct query *q)
{
	struct reader r = { .at = data, .end = (const uint8_t *)data + len };
	uint16_t n_questions, n_others, n_additional;

	*q = (struct query){ .id = take16(&r), .room = ANSWER_PLAIN };
	q->flags = take16(&r);
	n_questions = take16(&r);
	n_others = take16(&r);
	n_others |= take16(&r);
	n_additional = take16(&r);
	if (r.bad || (q->flags & FLAG_ANSWER))
		return -1;
	if (q->flags & MASK_OPCODE)
		return NOT_IMPLEMENTED;
	if (n_questions != 1 || n_others != 0 || n_additional > 1)
		return FORMAT_ERROR;
	take_name(&r, q);
	q->type = take16(&r);
	q->class = take16(&r);
	if (r.bad)
		q->name_len = 0;	/* no question that could be repeated */
	else if (n_additional == 1)
		take_opt(&r, q);
	if (r.bad || r.at != r.end)
		return FORMAT_ERROR;
	return q->version > 0 ? BAD_VERSION : NO_ERROR;
}

/* ---- what is there ---- */

/* @len: of the labels with their end. */
static bool is_name(const uint8_t *labels, size_t len, const char *text)
{
	while (len > 1 && *text) {
		size_t n = strcspn(text, ".");

		if (labels[0] != n || strncasecmp((const char *)labels + 1, text, n) != 0)
			return false;
		labels += n + 1;
		len -= n + 1;
		text += n + (text[n] == '.');
	}
	return len == 1 && !*text;
}

/* Return: where the name of the zone begins in it; -1 = it is not of the zone. */
static int zone_in(const struct query *q)
{
	for (size_t at = 0; at < q->name_len; at += q->name[at] + 1u)
		if (is_name(q->name + at, q->name_len - at, zone))
			return (int)at;
	return -1;
}

/* Return: a code. */
static int look_up(const struct query *q)
{
	int code = NO_SUCH_NAME;

	if (q->class != CLASS_IN || zone_in(q) < 0 || (q->type >= TYPE_IXFR && q->type <= TYPE_ANY))
		return REFUSED;		/* among them whole zones, and everything at once */
	for (size_t i = 0; i < N_RECORDS; i++)
		if (is_name(q->name, q->name_len, records[i].name))
			code = NO_ERROR;
	return code;
}

/* ---- the answer ---- */

struct writer {
	uint8_t		bytes[ANSWER_MOST];
	size_t		n, most;
	bool		full;		/* something did not fit, and is not there */
};

static void put(struct writer *w, const void *data, size_t n)
{
	if (w->full || w->most - w->n < n) {
		w->full = true;
		return;
	}
	memcpy(w->bytes + w->n, data, n);
	w->n += n;
}

static void put8(struct writer *w, unsigned value)
{
	put(w, &(uint8_t){ (uint8_t)value }, 1);
}

static void put16(struct writer *w, unsigned value)
{
	put(w, &(uint16_t){ htons((uint16_t)value) }, 2);
}

static void put32(struct writer *w, uint32_t value)
{
	put(w, &(uint32_t){ htonl(value) }, 4);
}

/* A text as TXT has it: pieces with their lengths. */
static void put_text(struct writer *w, const char *text)
{
	size_t len = strlen(text);

	do {
		size_t n = len < 255 ? len : 255;

		put8(w, (unsigned)n);
		put(w, text, n);
		text += n;
		len -= n;
	} while (len > 0);
}

static void put_name(struct writer *w, const char *text)
{
	while (*text) {
		size_t n = strcspn(text, ".");

		put8(w, (unsigned)n);
		put(w, text, n);
		text += n + (text[n] == '.');
	}
	put8(w, 0);
}

static void put_value(struct writer *w, const struct record *record)
{
	uint8_t address[16];

	if (record->type == TYPE_TXT)
		put_text(w, record->value);
	else if (record->type == TYPE_A && inet_pton(AF_INET, record->value, address) == 1)
		put(w, address, 4);
	else if (record->type == TYPE_AAAA && inet_pton(AF_INET6, record->value, address) == 1)
		put(w, address, 16);
}

static void put_soa(struct writer *w)
{
	put_name(w, "ns.example.test");
	put_name(w, "hostmaster.example.test");
	put32(w, 1);		/* serial */
	put32(w, 3600);		/* refresh, retry, expire: there is no second server */
	put32(w, 600);
	put32(w, 86400);
	put32(w, TTL_S);	/* of what there is not */
}

/* @name_at: where its name stands in the question. @record: NULL = the SOA. */
static void put_record(struct writer *w, unsigned name_at, const struct record *record)
{
	size_t begin;

	put16(w, 0xc000 | (HEADER_BYTES + name_at));
	put16(w, record ? record->type : TYPE_SOA);
	put16(w, CLASS_IN);
	put32(w, TTL_S);
	put16(w, 0);	/* its length; known below */
	begin = w->n;
	if (record)
		put_value(w, record);
	else
		put_soa(w);
	if (w->full)
		return;
	w->bytes[begin - 2] = (uint8_t)((w->n - begin) >> 8);
	w->bytes[begin - 1] = (uint8_t)(w->n - begin);
}

/* Return: how many records. */
static unsigned put_answers(struct writer *w, const struct query *q)
{
	unsigned n = 0;

	if (q->type == TYPE_SOA && is_name(q->name, q->name_len, zone)) {
		put_record(w, 0, NULL);
		n++;
	}
	for (size_t i = 0; i < N_RECORDS; i++) {
		if (records[i].type != q->type || !is_name(q->name, q->name_len, records[i].name))
			continue;
		put_record(w, 0, &records[i]);
		n++;
	}
	return n;
}

static void put_opt(struct writer *w, int code)
{
	put8(w, 0);
	put16(w, TYPE_OPT);
	put16(w, ANSWER_MOST);
	put8(w, (unsigned)code >> 4);
	put8(w, 0);		/* version */
	put16(w, 0);
	put16(w, 0);
}

#define OPT_BYTES 11

static void put_header(struct writer *w, const struct query *q, unsigned flags, const unsigned counts[4])
{
	struct writer header = { .most = HEADER_BYTES };

	put16(&header, q->id);
	put16(&header, FLAG_ANSWER | (q->flags & (MASK_OPCODE | FLAG_RECURSION)) | flags);
	for (unsigned i = 0; i < 4; i++)
		put16(&header, counts[i]);
	memcpy(w->bytes, header.bytes, HEADER_BYTES);
}

static void compose(struct writer *w, const struct query *q, int code)
{
	bool has_answer = code == NO_ERROR || code == NO_SUCH_NAME;
	unsigned counts[4] = { q->name_len > 0, 0, 0, q->has_opt };
	unsigned flags = ((unsigned)code & 15) | (has_answer ? FLAG_AUTHORITY : 0);
	size_t answers_at;

	w->most = q->room - (q->has_opt ? OPT_BYTES : 0);
	w->n = HEADER_BYTES;
	if (q->name_len > 0) {
		put(w, q->name, q->name_len);
		put16(w, q->type);
		put16(w, q->class);
	}
	answers_at = w->n;
	if (has_answer)
		counts[1] = put_answers(w, q);
	if (has_answer && counts[1] == 0) {
		put_record(w, (unsigned)zone_in(q), NULL);
		counts[2] = 1;
	}
	if (w->full) {
		w->n = answers_at;
		w->full = false;
		counts[1] = counts[2] = 0;
		flags |= FLAG_CUT;
	}
	w->most = q->room;
	if (q->has_opt)
		put_opt(w, code);
	put_header(w, q, flags, counts);
}

void brood_handle_datagram(struct brood_datagram *datagram, const void *data, size_t len)
{
	static struct writer w;
	struct query q;
	int code = read_query(data, len, &q);

	if (code < 0)
		return;
	if (code == NO_ERROR)
		code = look_up(&q);
	w.full = false;
	compose(&w, &q, code);
	(void)brood_datagram_reply(datagram, w.bytes, w.n);
}
