/* address_plan.h - which subnet a network gets when nobody says one, and which address a container.
 *
 * Pure, and the same answer for the same question: the lowest that is free. 172.18.0.0/16 to
 * 172.31.0.0/16, then 192.168.0.0/20 to 192.168.240.0/20, as people know it from Docker (whose
 * 172.17.0.0/16 is the network `bridge`). IPv6: a unique local /64 (RFC 4193) of 40 random bits
 * that the caller brings. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/address.h"

/* False: they are all taken. */
bool address_plan_subnet4(const struct subnet *taken, size_t count, struct subnet *out);
struct subnet address_plan_subnet6(const uint8_t global_id[5]);

/* The lowest of range (inside of subnet) that a machine can have and nobody has. */
bool address_plan_next(const struct subnet *subnet, const struct subnet *range,
		       bool (*is_taken)(void *ctx, const struct address *a), void *ctx,
		       struct address *out);
