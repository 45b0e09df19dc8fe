// compare: f64 1e-13
#include "case.h"
HD void body(int i, const u32* in, u32* out) { double a = unit(in[i]) * 20.0 - 10.0, b = unit(in[i + 1]) + 0.01; double r = 0; switch (i % 16) { case 0: r = sin(a); break; case 1: r = cos(a * 100); break; case 2: r = exp(a); break; case 3: r = log(b); break; case 4: r = pow(b, a); break; case 5: r = sqrt(b) / a; break; case 6: r = tanh(a * 0.2); break; case 7: r = atan2(a, b); break; case 8: r = exp2(a); break; case 9: r = log2(b) + log10(b); break; case 10: r = cbrt(a); break; case 11: r = fmod(a * 1000, b); break; case 12: r = tan(a * 0.1); break; case 13: r = asin(b * 0.9) + acos(b * 0.5); break; case 14: r = erf(a * 0.3); break; case 15: r = hypot(a, b) + sinh(a * 0.3); break; } put64(out, i, asl(r)); }
EACH
