/* The kernels of the operators that the network uses, and which instruction each one is for. */
#include "ocellus_data.h"
#include "ocellus_rt.h"

#ifdef OC_BASED
#define TABLES (OCELLUS_ARENA_RAM_ + OCELLUS_WEIGHTS_BYTES)
#else
#define TABLES ((u32)(uintptr_t)ocellus_tables)
#endif

@KERNELS@
void ocellus_execute(uint8_t *m, uint32_t instruction) {
  (void)m;
  switch (ld32(instruction)) {
@DISPATCH@
    default: OC_TRAP();
  }
}
