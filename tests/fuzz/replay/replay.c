/* SPDX-License-Identifier: MIT */
/* replay - a fuzzer without fuzzing: it is given each file of its corpus, once; that is what `make test` runs */
#include "base/must.h"

#include <dirent.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* In memory of its size, so that a sanitizer, or valgrind, sees what is read behind it. */
static void replay(const char *path)
{
	FILE *file = fopen(path, "r");
	uint8_t *data;
	long size;

	must(file && fseek(file, 0, SEEK_END) == 0 && (size = ftell(file)) >= 0 && fseek(file, 0, SEEK_SET) == 0);
	data = malloc((size_t)size + (size == 0));
	must(data && fread(data, 1, (size_t)size, file) == (size_t)size);
	fclose(file);
	(void)LLVMFuzzerTestOneInput(data, (size_t)size);
	free(data);
}

int main(void)
{
	char path[512];
	const struct dirent *entry;
	unsigned n = 0;
	DIR *corpus;

	snprintf(path, sizeof(path), "tests/fuzz/corpus/%s", program_invocation_short_name);
	corpus = opendir(path);
	if (!corpus) {
		fprintf(stderr, "there is no %s here\n", path);
		return 1;
	}
	while ((entry = readdir(corpus))) {
		if (entry->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), "tests/fuzz/corpus/%s/%s", program_invocation_short_name, entry->d_name);
		replay(path);
		n++;
	}
	closedir(corpus);
	printf("%u inputs\n", n);
	return n == 0;
}
