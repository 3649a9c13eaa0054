# checks.mk - what the tree promises about itself; each target fails when a promise is broken.

sources := $(shell find lib proto daemon tests bench examples -name '*.[ch]')

fmt: ## format the sources in place
	clang-format -i $(sources)

lint: check-deps check-exports ## formatting, static analysis, layers, exports, header
	clang-format --dry-run -Werror $(sources)
	$(CC) -std=c99 -Wall -Wpedantic -Werror -fsyntax-only -x c $(wildcard lib/overlap*.h)
	$(CXX) -std=c++17 -Wall -Wpedantic -Werror -fsyntax-only -x c++ $(wildcard lib/overlap*.h)
	cppcheck --quiet --error-exitcode=1 --enable=warning,performance,portability --inline-suppr \
	    --suppress=missingIncludeSystem -j2 -I. lib proto daemon
	printf '%s\n' $(lib_src) $(proto_src) $(daemon_src) | \
	    xargs -P2 -n4 sh -c 'clang-tidy --quiet "$$@" -- $(STD) -I. -D_GNU_SOURCE 2>/dev/null' tidy

# What lib may include: itself, the headers of C, and in kernels those of the instruction sets.
include_line := [[:space:]]*\#[[:space:]]*include
lib_headers  := "(lib/[a-z0-9_/]+|overlap)\.h"|<(assert|float|limits|math|stdalign|stdatomic|stdbool|stddef|stdint|stdlib|string)\.h>
lib_includes := ^lib/[^:]*:[0-9]+:$(include_line)[[:space:]]*($(lib_headers))
kernel_includes := ^lib/kernels/[^:]*:[0-9]+:$(include_line)[[:space:]]*<(immintrin|arm_neon)\.h>

check-deps: ## lib includes only itself and C's headers; proto only lib's public header; daemon never lib's internals
	! grep -nE '^$(include_line)' -r lib | grep -vE '$(lib_includes)|$(kernel_includes)'
	! grep -nE '#include.*(daemon/|kernels|microhttpd|uv\.h|lib/[^o])' -r proto
	! grep -nE '#include.*(kernels|lib/[^o])' -r daemon

check-exports: $(B)/$(SONAME) ## the shared object exports overlap.map and nothing else
	nm -D --defined-only $< | awk '$$2!="A"{sub(/@.*/,"",$$3);print $$3}' | sort > $(B)/exports
	sed -n 's/^ *\(ov_[a-z_]*\);$$/\1/p' lib/overlap.map | sort | diff - $(B)/exports

bench-check: $(B)/bench/paths ## instructions of the hot paths against bench/budget.json
	bench/budget check $< bench/budget.json

bench-budget: $(B)/bench/paths ## record bench/budget.json anew
	bench/budget record $< bench/budget.json

.PHONY: fmt lint check-deps check-exports bench-check bench-budget
