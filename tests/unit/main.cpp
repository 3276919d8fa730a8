// The one translation unit that holds the doctest runner; every other file here is only cases.
#define DOCTEST_CONFIG_IMPLEMENT_WITH_MAIN
#include <doctest/doctest.h>
