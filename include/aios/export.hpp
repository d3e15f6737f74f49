// Marks what leaves the shared library; everything else is built with hidden visibility.
#pragma once

#define AIOS_EXPORT __attribute__((visibility("default")))
