/* address.h - the gateway's word for lib/address.h, whose structs every message of it is about. */
#pragma once

#include "lib/address.h"
