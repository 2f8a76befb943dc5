// family: two_basis
// title: 2-basis
// state: cos(θ/2)|00⟩ + e^{iφ} sin(θ/2)|11⟩
// citation: arXiv:2410.21504v2, Eq. 12 and 15
// parameter theta in [0, 2*pi]: mixing angle θ
// parameter phi in [0, 2*pi]: relative phase φ
OPENQASM 3.0;
include "stdgates.inc";
input float[64] theta;
input float[64] phi;
qubit[2] q; // q[0] is the first qubit, the left letter of |ab⟩

ry(theta) q[0];
cx q[0], q[1];
p(phi) q[0];
