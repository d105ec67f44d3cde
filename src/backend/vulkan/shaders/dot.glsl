// Σ of four products of signed bytes: one instruction where the device has it. DOT is defined then.
#ifdef DOT
#extension GL_EXT_spirv_intrinsics : require
// SPV_KHR_integer_dot_product: OpSDot over words of four bytes; capabilities DotProduct and
// DotProductInput4x8BitPacked, packed vector format 0.
spirv_instruction(extensions = ["SPV_KHR_integer_dot_product"], capabilities = [6018, 6019],
                  id = 4450) int packed_dot(int a, int b, spirv_literal int format_of);
int dot4(uint a, uint b) { return packed_dot(int(a), int(b), 0); }
#else
int dot4(uint a, uint b) {
  const ivec4 p = bytes_of(a) * bytes_of(b);
  return p.x + p.y + p.z + p.w;
}
#endif
