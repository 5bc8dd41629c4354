/* share.h - the folder that the host shares: 9p or virtiofs with the tag `work`, on SHARE_DIR. */
#pragma once

#include <stdbool.h>

#define SHARE_TAG "work"
#define SHARE_DIR "/run/share/work"

enum share_kind { SHARE_NONE, SHARE_9P, SHARE_VIRTIOFS };

/* Looks for the tag in sysfs; nothing is asked of the host. */
enum share_kind share_find(void);
/* May wait for the host: init calls it in a child with a bound. */
bool share_mount(enum share_kind kind);
