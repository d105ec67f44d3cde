// One over the root of the mean square, by a workgroup of kThreads; the order of the sum depends on
// the length alone. Include after kThreads.
shared float rms_parts[kThreads];

float inverse_rms(float squares, uint count, float eps) {
  const uint t = gl_LocalInvocationID.x;
  rms_parts[t] = squares;
  barrier();
  for (uint half_of = kThreads / 2; half_of > 0; half_of /= 2) {
    if (t < half_of) rms_parts[t] += rms_parts[t + half_of];
    barrier();
  }
  const float sum = rms_parts[0];
  barrier();
  return 1.0 / sqrt(sum / float(count) + eps);
}
