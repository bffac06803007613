/* SPDX-License-Identifier: MIT */
/*
 * parse - nanoseconds of CPU time per request head read and per response head written
 *
 * Each number is the median of ROUNDS rounds, with the fastest and the slowest round behind it.
 * usage: parse [plain|sse4.2|avx2]; without, the best this CPU has.
 */
#include "base/auto.h"
#include "http/grammar.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/utsname.h>

#define ROUNDS 15
#define TIMES 200000

static const char small[] = "GET / HTTP/1.1\r\nHost: 127.0.0.1:8080\r\n\r\n";

static const char browser[] =
	"GET /articles/2024/a-longer-path/index.html?page=2&sort=date HTTP/1.1\r\n"
	"Host: www.example.com\r\n"
	"User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0\r\n"
	"Accept: text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8\r\n"
	"Accept-Language: en-US,en;q=0.5\r\n"
	"Accept-Encoding: gzip, deflate, br\r\n"
	"Referer: http://www.example.com/articles/2024/\r\n"
	"Connection: keep-alive\r\n"
	"Cookie: session=0123456789abcdef0123456789abcdef; theme=dark\r\n"
	"\r\n";

static const char upload[] =
	"POST /echo HTTP/1.1\r\nHost: localhost:8080\r\nContent-Type: application/json\r\n"
	"Content-Length: 1234\r\nExpect: 100-continue\r\nAccept: */*\r\n\r\n";

static const struct http_limits limits = { 16384, 8192, HTTP_FIELDS_MAX, 1 << 20 };
static struct http_head head;
static char out[1024];

static void parse_once(struct span request)
{
	if (http_head_parse(request, &limits, &head) != HTTP_DONE)
		abort();
	__asm__ volatile("" : : "r"(&head) : "memory");
}

static void render_once(struct span type)
{
	struct http_response response = {
		.status = 200, .content_length = 12345, .type = type, .date = "Sun, 06 Nov 1994 08:49:37 GMT",
	};

	__asm__ volatile("" : "+m"(response));
	if (http_response_render(out, &response) == 0)
		abort();
	__asm__ volatile("" : : "r"(out) : "memory");
}

static void chunk_once(struct span text)
{
	size_t len = text.len;

	__asm__ volatile("" : "+r"(len));
	if (http_chunk_head(out, len) == 0)
		abort();
	__asm__ volatile("" : : "r"(out) : "memory");
}

static double now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static void measure(const char *what, void (*once)(struct span), struct span argument)
{
	double ns[ROUNDS], start;

	for (unsigned round = 0; round < ROUNDS; round++) {
		start = now_ns();
		for (unsigned i = 0; i < TIMES; i++)
			once(argument);
		ns[round] = (now_ns() - start) / TIMES;
	}
	qsort(ns, ROUNDS, sizeof(ns[0]), compare);
	printf("%-28s %4zu bytes  %7.1f ns  (%.1f to %.1f)\n", what, argument.len, ns[ROUNDS / 2], ns[0],
	       ns[ROUNDS - 1]);
}

static void choose_scanners(const char *name)
{
	struct scanners variants[SCAN_VARIANTS_MAX];
	unsigned n = http_scan_variants(variants);

	http_scan_init();
	for (unsigned i = 0; name && i < n; i++) {
		if (strcmp(variants[i].name, name) == 0)
			http_scan = variants[i];
	}
}

static void print_machine(void)
{
	char line[256];
	struct utsname kernel;
	FILE *cpu = fopen("/proc/cpuinfo", "re");

	if (uname(&kernel) == 0)
		printf("kernel %s, ", kernel.release);
	while (cpu && fgets(line, sizeof(line), cpu)) {
		if (strncmp(line, "model name", 10) == 0 && strchr(line, ':')) {
			printf("CPU%.*s, ", (int)strcspn(strchr(line, ':') + 1, "\n"), strchr(line, ':') + 1);
			break;
		}
	}
	if (cpu)
		fclose(cpu);
	printf("scanners %s\n", http_scan.name);
}

int main(int argc, char **argv)
{
	choose_scanners(argc > 1 ? argv[1] : NULL);
	print_machine();
	measure("parse what wrk sends", parse_once, SPAN(small));
	measure("parse what a browser sends", parse_once, SPAN(browser));
	measure("parse an upload", parse_once, SPAN(upload));
	measure("render a response", render_once, SPAN("text/html; charset=utf-8"));
	measure("render a chunk head", chunk_once, SPAN(browser));
	return EXIT_SUCCESS;
}
