/**
 * What commands print is compared as plain text, in this process and in those that tests start,
 * whatever the shell or the CI that runs them asks for. Node warns when both are set.
 */
delete process.env["FORCE_COLOR"];
process.env["NO_COLOR"] = "1";
