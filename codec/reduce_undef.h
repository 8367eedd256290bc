/* Behind the templates of each type in reduce_kernels.h. */
#undef ID
#undef T
#undef COUNT
#undef WIDE
#undef SIGNED
#undef NOT_NAN
#undef KEY
#undef INFINITE
#undef NOT_A_NUMBER
