// Ends what target_begin.inl.h of an instruction set began.
#undef PYQUANT_INSTRUCTION_SET
#ifdef __clang__
#pragma clang attribute pop
#else
#pragma GCC pop_options
#endif
