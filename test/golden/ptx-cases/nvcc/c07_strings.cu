#include "case.h"
HD int len(const char* s) { int n = 0; while (s[n]) n++; return n; }
HD void itoa_(u32 v, char* s) { char t[12]; int n = 0; do { t[n++] = '0' + v % 10; v /= 10; } while (v); for (int i = 0; i < n; i++) s[i] = t[n - 1 - i]; s[n] = 0; }
HD u32 hash(const char* s) { u32 h = 2166136261u; for (; *s; s++) { h ^= (unsigned char)*s; h *= 16777619u; } return h; }
HD void body(int i, const u32* in, u32* out) { char s[64]; itoa_(in[i], s); int n = len(s); s[n++] = '-'; itoa_(in[i + 1], s + n); for (char* p = s; *p; p++) if (*p & 1) *p = (char)(*p + 16); out[i] = hash(s) + len(s) + (signed char)s[0] * 3; }
EACH
