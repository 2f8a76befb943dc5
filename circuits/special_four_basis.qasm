// family: special_four_basis
// title: special 4-basis
// state: cos(θ/2)|0⟩(e^{−iφ}|0⟩+|1⟩)/√2 + sin(θ/2)|1⟩(e^{iφ}|0⟩+|1⟩)/√2
// citation: arXiv:2410.21504v2, Eq. 14 and 16
// parameter theta in [0, 2*pi]: mixing angle θ
// parameter phi in [0, 2*pi]: phase φ; the concurrence without noise is |sin θ sin φ|
OPENQASM 3.0;
include "stdgates.inc";
input float[64] theta;
input float[64] phi;
qubit[2] q; // q[0] is the first qubit, the left letter of |ab⟩

// the controlled-Hadamard reflects the second qubit where the first is |1⟩; between ry(±π/4) it turns
// cos(θ/2)|0⟩Ry(φ)|0⟩ + sin(θ/2)|1⟩Ry(φ)|0⟩ into the same with Ry(−φ) in the second branch
ry(theta) q[0];
ry(phi + pi/4) q[1];
ch q[0], q[1];
ry(-pi/4) q[1];

// y → z and z → x: the angle φ of the second qubit becomes the phase of the special 4-basis state
sdg q[1];
h q[1];
rz(phi) q[0];
