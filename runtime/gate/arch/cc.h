/* cc.h - lwIP's view of the compiler and the machine; included by lwIP's headers alone. */
#pragma once

#include <stdint.h>
#include <stdlib.h>

#define LWIP_ERRNO_STDINCLUDE 1

/* A state that lwIP says cannot be: the gateway ends and is started again, rather than guess. */
#define LWIP_PLATFORM_DIAG(message) ((void)0)
#define LWIP_PLATFORM_ASSERT(message) lwip_port_failed(message)
#define LWIP_RAND() lwip_port_random()

_Noreturn void lwip_port_failed(const char *sentence);
uint32_t lwip_port_random(void);
