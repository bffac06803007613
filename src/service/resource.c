/* SPDX-License-Identifier: MIT */
#include "service/service.h"

#include "base/must.h"
#include "service/files.h"

#include <errno.h>
#include <stdlib.h>

static int add_variant(struct resource *resource, const struct probe *probe, enum coding coding,
		       struct span type)
{
	int error;

	if (probe->fd[coding] < 0)
		return 0;
	error = variant_create(probe->fd[coding], &probe->identity[coding], coding, resource->varied, type,
			       &resource->variant[coding]);
	if (error < 0)
		return error;
	resource->n_bytes += variant_bytes(resource->variant[coding]);
	resource->n_descriptors += resource->variant[coding]->fd >= 0;
	return 0;
}

int resource_create(struct span path, const struct probe *probe, struct span type,
		    struct resource **ret_resource)
{
	struct resource *resource = calloc(1, sizeof(*resource) + path.len);
	int error = 0;

	if (!resource)
		return -ENOMEM;
	memcpy(resource->path, path.at, path.len);
	resource->path_len = (uint32_t)path.len;
	resource->n_bytes = sizeof(*resource) + path.len;
	resource->varied = probe->fd[CODING_BROTLI] >= 0 || probe->fd[CODING_GZIP] >= 0;
	for (int i = 0; i < N_CODINGS && error == 0; i++)
		error = add_variant(resource, probe, (enum coding)i, type);
	if (error < 0)
		resource_destroy(resource);
	else
		*ret_resource = resource;
	return error;
}

void resource_destroy(struct resource *resource)
{
	must(!list_linked(&resource->lru));
	for (int i = 0; i < N_CODINGS; i++)
		variant_release(resource->variant[i]);
	free(resource);
}

bool resource_matches(const struct resource *resource, const struct probe *probe)
{
	for (int i = 0; i < N_CODINGS; i++) {
		const struct variant *variant = resource->variant[i];

		if ((variant != NULL) != (probe->fd[i] >= 0))
			return false;
		if (variant && (variant->young || !identity_equal(&variant->identity, &probe->identity[i])))
			return false;
	}
	return true;
}

bool resource_unchanged(const struct resource *resource)
{
	for (int i = 0; i < N_CODINGS; i++) {
		const struct variant *variant = resource->variant[i];
		struct identity now;

		if (!variant || variant->fd < 0)
			continue;
		if (identity_read(variant->fd, &now) < 0 || !identity_equal(&variant->identity, &now))
			return false;
	}
	return true;
}

struct variant *resource_choose(const struct resource *resource, struct span accept)
{
	static const struct {
		enum coding	coding;
		struct span	name;
	} preferred[] = {
		{ CODING_BROTLI, SPAN("br") },
		{ CODING_GZIP, SPAN("gzip") },
		{ CODING_NONE, SPAN("identity") },
	};
	struct variant *best = resource->variant[CODING_NONE];
	int most = 0;

	if (!accept.at)
		return best;
	for (int i = 0; i < N_CODINGS; i++) {
		struct variant *variant = resource->variant[preferred[i].coding];
		int weight = variant ? http_accept_encoding(accept, preferred[i].name) : 0;

		if (weight <= most)
			continue;
		most = weight;
		best = variant;
	}
	return best;
}
