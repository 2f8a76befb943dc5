// family: general_four_basis
// title: general 4-basis
// state: sinα|00⟩ + cosα sinβ e^{iφ1}|01⟩ + cosα cosβ sinγ e^{iφ2}|10⟩ + cosα cosβ cosγ e^{iφ3}|11⟩
// citation: arXiv:2410.21504v2, Eq. 17
// parameter alpha in [0, 2*pi]: weight of |00⟩
// parameter beta in [0, 2*pi]: weight of |01⟩
// parameter gamma in [0, 2*pi]: weight of |10⟩
// parameter phi1 in [0, 2*pi]: phase of |01⟩
// parameter phi2 in [0, 2*pi]: phase of |10⟩
// parameter phi3 in [0, 2*pi]: phase of |11⟩
OPENQASM 3.0;
include "stdgates.inc";
input float[64] alpha;
input float[64] beta;
input float[64] gamma;
input float[64] phi1;
input float[64] phi2;
input float[64] phi3;
qubit[2] q; // q[0] is the first qubit, the left letter of |ab⟩

// each rotation splits what is left of the amplitude: |00⟩ keeps sinα, then |01⟩ sinβ, then |10⟩ sinγ of the rest
ry(pi - 2*alpha) q[1];
cry(pi - 2*beta) q[1], q[0];
cry(-2*gamma) q[0], q[1];

p(phi1) q[1];
p(phi2) q[0];
cp(phi3 - phi1 - phi2) q[0], q[1];
