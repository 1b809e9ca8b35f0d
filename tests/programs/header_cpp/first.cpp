// The header in C++: alone, twice, in several units, one of them in C.
#include "altmin.h"
#include "altmin.h"

size_t elements_in_the_second_unit();
extern "C" size_t elements_in_c(void);

int main()
{
    size_t elements = 0;
    const altmin_status status = altmin_sums_elements(2, 3, &elements, nullptr);
    const bool same = elements_in_the_second_unit() == elements && elements_in_c() == elements;
    return status == ALTMIN_STATUS_OK && elements == 20 && same ? 0 : 1;
}
