/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * bench_program.c: the program behind the files of bench/.
 */
#include "bench.h"

int main(int argc, char **argv)
{
    return bench_main(argc, argv);
}
