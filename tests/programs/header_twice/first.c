/* The header needs nothing before it, may be included twice, and in several units of a program. */
#include "altmin.h"
#include "altmin.h"

size_t elements_in_the_second_unit(void);

int main(void)
{
    size_t elements = 0;
    altmin_status status = altmin_sums_elements(2, 3, &elements, NULL);
    return !(status == ALTMIN_STATUS_OK && elements == 20 && elements_in_the_second_unit() == 20);
}
