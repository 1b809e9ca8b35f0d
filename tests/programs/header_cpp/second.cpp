#include "altmin.h"

size_t elements_in_the_second_unit();

size_t elements_in_the_second_unit()
{
    altmin_error error;
    size_t elements = 0;
    altmin_sums_elements(2, 3, &elements, &error);
    return error.status == ALTMIN_STATUS_OK && error.message[0] == '\0' ? elements : 0;
}
