#include "altmin.h"

size_t elements_in_the_second_unit(void);

size_t elements_in_the_second_unit(void)
{
    size_t elements = 0;
    altmin_sums_elements(2, 3, &elements, NULL);
    return elements;
}
