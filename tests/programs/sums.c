/* A layer's sums over samples against plain loops, and a refusal that says what was wrong. */
#include "altmin.h"

#include <stdio.h>
#include <string.h>

enum { N_OUT = 2, N_IN = 3, M = 5, SUMS = N_OUT * N_IN + N_OUT + N_IN * N_IN + N_IN };

static int fails(const char *what)
{
    fprintf(stderr, "%s\n", what);
    return 1;
}

/* Sums of products of small whole numbers: exact in any order. */
static void add_up(const double *r, const double *p, double *sums)
{
    double *rp = sums, *r1 = rp + N_OUT * N_IN, *pp = r1 + N_OUT, *p1 = pp + N_IN * N_IN;
    for (size_t s = 0; s < M; s++) {
        for (size_t j = 0; j < N_IN; j++) {
            for (size_t i = 0; i < N_OUT; i++)
                rp[i + j * N_OUT] += r[i + s * N_OUT] * p[j + s * N_IN];
            for (size_t i = 0; i < N_IN; i++)
                pp[i + j * N_IN] += p[i + s * N_IN] * p[j + s * N_IN];
            p1[j] += p[j + s * N_IN];
        }
        for (size_t i = 0; i < N_OUT; i++)
            r1[i] += r[i + s * N_OUT];
    }
}

int main(void)
{
    static double r[N_OUT * M], p[N_IN * M], sums[SUMS], expected[SUMS], workspace[4096];
    altmin_error error;
    size_t elements = 0, bytes = 0;

    for (size_t i = 0; i < N_OUT * M; i++)
        r[i] = (double)((7 * i) % 5) - 2.0;
    for (size_t i = 0; i < N_IN * M; i++)
        p[i] = (double)((5 * i) % 7) - 3.0;
    for (size_t i = 0; i < SUMS; i++)
        sums[i] = expected[i] = (double)i;
    add_up(r, p, expected);

    if (altmin_sums_elements(N_OUT, N_IN, &elements, &error) || elements != SUMS)
        return fails(error.message);
    if (altmin_sums_accumulate_workspace_f64(N_OUT, N_IN, M, &bytes, &error) || bytes > sizeof workspace)
        return fails("the workspace is larger than expected");
    if (altmin_sums_accumulate_f64(ALTMIN_PARTS_ALL, N_OUT, N_IN, M, r, N_OUT, p, N_IN, sums, workspace, bytes, &error))
        return fails(error.message);
    /* While tiles are added, only the lower triangle of p p' counts. */
    for (size_t j = 0; j < N_IN; j++)
        for (size_t i = 0; i < j; i++) {
            double *pp = sums + N_OUT * N_IN + N_OUT, *wanted = expected + N_OUT * N_IN + N_OUT;
            pp[i + j * N_IN] = wanted[i + j * N_IN];
        }
    if (memcmp(sums, expected, sizeof sums) != 0)
        return fails("the sums are not those of the loops");

    if (altmin_sums_accumulate_f64(99, N_OUT, N_IN, M, r, N_OUT, p, N_IN, sums, workspace, bytes, &error)
        != ALTMIN_STATUS_CODE)
        return fails("an unknown code is not refused");
    if (strstr(error.message, "parts") == NULL)
        return fails("the message does not name the argument");
    if (memcmp(sums, expected, sizeof sums) != 0)
        return fails("a refused call has written");
    return 0;
}
