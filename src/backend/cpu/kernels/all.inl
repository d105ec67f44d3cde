// The kernels in the order in which they use one another; the vocabulary stands before them.
// clang-format off
#include "backend/cpu/kernels/product.inl"
#include "backend/cpu/kernels/float_product.inl"
#include "backend/cpu/kernels/rows.inl"
#include "backend/cpu/kernels/attention.inl"
#include "backend/cpu/kernels/roof.inl"
#include "backend/cpu/kernels/table.inl"
// clang-format on
