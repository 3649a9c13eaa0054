# dashboard.mk - the dashboard's files, each beside its gzip, which daemon/dashboard.c takes in by name.

CHART_JS ?= /usr/share/javascript/chart.js/chart.min.js
dashboard := $(addprefix $(B)/dashboard/,$(notdir $(wildcard daemon/dashboard/*) $(CHART_JS)))

$(B)/daemon/dashboard.o: CPPFLAGS_daemon += -Wa,-I$(B)/dashboard
$(B)/daemon/dashboard.o: $(dashboard)

$(B)/dashboard/%: daemon/dashboard/%
	@mkdir -p $(@D)
	gzip -9nc $< > $@.gz && cp $< $@

$(B)/dashboard/$(notdir $(CHART_JS)): $(CHART_JS)
	@mkdir -p $(@D)
	gzip -9nc $< > $@.gz && cp $< $@
