// The running state of attention over keys (arXiv 2205.14135): the maximum, the sum of weights, and
// the weighted values. States of later keys are joined into those of earlier ones.
const float kNone = -1e30;  // the maximum over no key

/// What the earlier and the later state are multiplied by.
vec2 join_weights(float earlier, float later, out float next) {
  if (later <= kNone) {
    next = earlier;
    return vec2(1, 0);
  }
  if (earlier <= kNone) {
    next = later;
    return vec2(0, 1);
  }
  next = max(earlier, later);
  return vec2(exp(earlier - next), exp(later - next));
}
