package main

import "github.com/mmcloughlin/avo/reg"

// optimizerKernels generates the optimisers' updates.
func optimizerKernels(v *vm) {
	kernel{
		name: "sgd", doc: "updates w -= lr·g.", reads: []string{"w", "g"}, writes: []string{"w"}, order: "w, g", scalars: "lr",
		start: func(v *vm) func([]reg.VecVirtual, part) []reg.VecVirtual {
			lr := v.scalar("lr")
			return func(in []reg.VecVirtual, _ part) []reg.VecVirtual {
				return []reg.VecVirtual{v.deduct(in[0], lr, in[1])}
			}
		},
	}.emit(v)
	momentumKernel("momentum", "updates v = mu·v - lr·g and w += v.", false).emit(v)
	momentumKernel("nesterov", "updates v = mu·v - lr·g and w += mu·v - lr·g.", true).emit(v)
	adamKernel().emit(v)
	rmspropKernel().emit(v)
}

func momentumKernel(name, doc string, nesterov bool) kernel {
	return kernel{
		name: name, doc: doc, reads: []string{"w", "g", "v"}, writes: []string{"w", "v"}, order: "w, g, v", scalars: "lr, mu",
		start: func(v *vm) func([]reg.VecVirtual, part) []reg.VecVirtual {
			lr, mu := v.scalar("lr"), v.scalar("mu")
			return func(in []reg.VecVirtual, _ part) []reg.VecVirtual {
				w, g, velocity := in[0], in[1], in[2]
				step := v.xor(v.mul(lr, g), signBit)
				velocity = v.mulAdd(velocity, mu, step)
				if !nesterov {
					return []reg.VecVirtual{v.add(w, velocity), velocity}
				}
				ahead := v.mulAdd(v.copy(velocity), mu, step)
				return []reg.VecVirtual{v.add(w, ahead), velocity}
			}
		},
	}
}

func adamKernel() kernel {
	return kernel{
		name: "adam", doc: "updates the moments m and v, and w.",
		reads: []string{"w", "g", "m", "v"}, writes: []string{"w", "m", "v"}, order: "w, g, m, v",
		scalars: "beta1, gain1, beta2, gain2, rate, vscale, epsilon, decay",
		start: func(v *vm) func([]reg.VecVirtual, part) []reg.VecVirtual {
			beta1, gain1, beta2, gain2 := v.scalar("beta1"), v.scalar("gain1"), v.scalar("beta2"), v.scalar("gain2")
			rate, vscale, epsilon, decay := v.scalar("rate"), v.scalar("vscale"), v.scalar("epsilon"), v.scalar("decay")
			return func(in []reg.VecVirtual, _ part) []reg.VecVirtual {
				w, g := in[0], in[1]
				mean := v.accumulate(v.mul(beta1, in[2]), gain1, g)
				square := v.accumulate(v.mul(beta2, in[3]), v.mul(gain2, g), g)
				denominator := v.mulAdd(v.sqrt(square), vscale, epsilon)
				decayed := v.deduct(v.copy(w), decay, w)
				return []reg.VecVirtual{v.sub(decayed, v.div(v.mul(rate, mean), denominator)), mean, square}
			}
		},
	}
}

func rmspropKernel() kernel {
	return kernel{
		name: "rmsprop", doc: "updates the mean square v, and w.",
		reads: []string{"w", "g", "v"}, writes: []string{"w", "v"}, order: "w, g, v",
		scalars: "rho, gain, rate, inside, epsilon",
		start: func(v *vm) func([]reg.VecVirtual, part) []reg.VecVirtual {
			rho, gain, rate := v.scalar("rho"), v.scalar("gain"), v.scalar("rate")
			inside, epsilon := v.scalar("inside"), v.scalar("epsilon")
			return func(in []reg.VecVirtual, _ part) []reg.VecVirtual {
				w, g := in[0], in[1]
				square := v.accumulate(v.mul(rho, in[2]), v.mul(gain, g), g)
				denominator := v.add(v.sqrt(v.add(square, inside)), epsilon)
				return []reg.VecVirtual{v.sub(w, v.div(v.mul(rate, g), denominator)), square}
			}
		},
	}
}
