/* A program of somebody else's, which found the library where it is installed. */
#include <altmin.h>

#include <stdio.h>

int main(void)
{
    const float r[2] = {1.0f, 2.0f}, p[2] = {3.0f, 4.0f};
    float sums[4] = {0.0f}, workspace[1024];
    altmin_error error;

    /* A layer of one input and one output, two samples: 1*3 + 2*4, 1 + 2, 3*3 + 4*4, 3 + 4. */
    if (altmin_sums_accumulate_f32(ALTMIN_PARTS_ALL, 1, 1, 2, r, 1, p, 1, sums, workspace, sizeof workspace, &error)) {
        fprintf(stderr, "%s\n", error.message);
        return 1;
    }
    printf("%g %g %g %g\n", sums[0], sums[1], sums[2], sums[3]);
    return 0;
}
