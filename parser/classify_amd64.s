#include "go_asm.h"
#include "textflag.h"

// The characters of a set differ in their low four bits. The table of the set has
// each of them at the place of these bits, and elsewhere what cannot be asked for there: a byte is in the set
// if the table has the byte itself at its place (VPSHUFB takes the low four bits; for
// bytes beyond ASCII it gives zero).

// '&' '<' ']'
DATA textSet<>+0x00(SB)/8, $0x00260000000000FF
DATA textSet<>+0x08(SB)/8, $0x00005D3C00000000
GLOBL textSet<>(SB), RODATA|NOPTR, $16

// '"' '&' '\'' '<'
DATA valueSet<>+0x00(SB)/8, $0x27260000002200FF
DATA valueSet<>+0x08(SB)/8, $0x0000003C00000000
GLOBL valueSet<>(SB), RODATA|NOPTR, $16

// For all bytes of a register: the space; what takes 'z' to 127, the largest signed byte;
// where that takes 'a'; '-'.
DATA bytes<>+0x00(SB)/4, $0x20202020
DATA bytes<>+0x04(SB)/4, $0x05050505
DATA bytes<>+0x08(SB)/4, $0x66666666
DATA bytes<>+0x0C(SB)/4, $0x2D2D2D2D
GLOBL bytes<>(SB), RODATA|NOPTR, $16

// MASKS makes one bit for each of 32 bytes. The comparisons are signed, so that bytes beyond
// ASCII are below the space, like controls.
#define MASKS(SRC, T, V, N) \
	VMOVDQU   SRC, Y0 \
	VPSHUFB   Y0, Y8, Y1 \
	VPSHUFB   Y0, Y9, Y2 \
	VPCMPGTB  Y0, Y10, Y3 \
	VPADDB    Y0, Y11, Y4 \
	VPCMPEQB  Y0, Y13, Y5 \
	VPCMPEQB  Y0, Y1, Y1 \
	VPCMPEQB  Y0, Y2, Y2 \
	VPCMPGTB  Y4, Y12, Y4 \
	VPOR      Y3, Y1, Y1 \
	VPOR      Y3, Y2, Y2 \
	VPANDN    Y4, Y5, Y4 \
	VPMOVMSKB Y1, T \
	VPMOVMSKB Y2, V \
	VPMOVMSKB Y4, N

// func classify(m *marks, from int, b *byte, blocks int)
TEXT ·classify(SB), NOSPLIT, $0-32
	MOVQ m+0(FP), DI
	MOVQ from+8(FP), AX
	MOVQ b+16(FP), SI
	MOVQ blocks+24(FP), CX
	LEAQ (DI)(AX*8), DI
	VBROADCASTI128 textSet<>(SB), Y8
	VBROADCASTI128 valueSet<>(SB), Y9
	VPBROADCASTD bytes<>+0x00(SB), Y10
	VPBROADCASTD bytes<>+0x04(SB), Y11
	VPBROADCASTD bytes<>+0x08(SB), Y12
	VPBROADCASTD bytes<>+0x0C(SB), Y13

loop:
	MASKS((SI), AX, BX, DX)
	MASKS(32(SI), R8, R9, R10)
	SHLQ $32, R8
	SHLQ $32, R9
	SHLQ $32, R10
	ORQ  R8, AX
	ORQ  R9, BX
	ORQ  R10, DX
	MOVQ AX, marks_text(DI)
	MOVQ BX, marks_value(DI)
	MOVQ DX, marks_name(DI)
	ADDQ $64, SI
	ADDQ $8, DI
	DECQ CX
	JNZ  loop
	VZEROUPPER
	RET
