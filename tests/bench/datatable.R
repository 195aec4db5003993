# One run of R's data.table: Rscript datatable.R JOB FOLDER SMALL THREADS
#
# The job is done on the small data set first, then twice on the data. The last line is a JSON object,
# as that of one.py.
# Ids are int32, the widest whole numbers that R has, and days too.

suppressMessages(library(data.table))
options(scipen = 999)
window <- 365L
windows <- c(91L, 182L, 273L, 365L, 548L)

status <- function(field) {
    lines <- readLines("/proc/self/status")
    as.numeric(gsub("[^0-9]", "", grep(paste0("^", field, ":"), lines, value = TRUE))) * 1024
}

# A column of numbers from numpy's file.
column <- function(folder, name) {
    file <- file(file.path(folder, paste0(name, ".npy")), "rb")
    on.exit(close(file))
    readBin(file, "raw", 8)
    length <- readBin(file, "integer", 1, size = 2, signed = FALSE)
    header <- rawToChar(readBin(file, "raw", length))
    size <- as.integer(sub(".*'descr': '[<|]i([0-9]).*", "\\1", header))
    n <- as.integer(sub(".*'shape': \\(([0-9]+),.*", "\\1", header))
    readBin(file, "integer", n, size = size)
}

# Texts of one width, from numpy's file.
texts <- function(folder, name) {
    file <- file(file.path(folder, paste0(name, ".npy")), "rb")
    on.exit(close(file))
    readBin(file, "raw", 8)
    length <- readBin(file, "integer", 1, size = 2, signed = FALSE)
    header <- rawToChar(readBin(file, "raw", length))
    width <- as.integer(sub(".*'descr': '[|]S([0-9]+)'.*", "\\1", header))
    n <- as.integer(sub(".*'shape': \\(([0-9]+),.*", "\\1", header))
    readChar(file, rep(width, n), useBytes = TRUE)
}

events_of <- function(folder, side) {
    data.table(child = column(folder, paste0(side, "_child")), d = column(folder, paste0(side, "_day")))
}

# Sum of the products modulo 2^64, by halves that doubles hold; as decimal text.
placed <- function(row, gap) {
    sum(as.numeric(row) * as.numeric(gap))
}

first_answer <- function(gap) {
    row <- which(!is.na(gap))
    gap <- gap[row]
    list(linked = length(gap), gaps = sum(as.numeric(gap)), placed = placed(row - 1, gap))
}

# The keyed rolling join: the first event after the day, at most `most` days after it.
rolled <- function(ref, idx, by, most) {
    wanted <- idx[, c(by, "d"), with = FALSE]
    wanted[, d := d + 1L]
    row <- ref[wanted, on = c(by, "d"), roll = -(most - 1L), which = TRUE, mult = "first"]
    ref$d[row] - idx$d
}

link <- function(side = "event", by = "child", most = window) function(folder) {
    ref <- events_of(folder, "event")
    idx <- events_of(folder, "index")
    function() {
        ref <- setkeyv(copy(ref), c(by, "d"))
        rolled(ref, idx, by, most)
    }
}

prepared <- function(folder) {
    ref <- setkey(events_of(folder, "event"), child, d)
    another <- events_of(folder, "another")
    function() rolled(ref, another, "child", window)
}

presorted <- function(folder) {
    ref <- setattr(events_of(folder, "event"), "sorted", c("child", "d"))
    idx <- setattr(events_of(folder, "index"), "sorted", c("child", "d"))
    function() rolled(ref, idx, "child", window)
}

five <- function(folder) {
    work <- link(most = max(windows))(folder)
    function() {
        gap <- work()
        lapply(windows, function(most) fifelse(gap <= most, gap, NA_integer_))
    }
}

text <- function(folder) {
    persons <- texts(folder, "texts")
    side <- function(name) {
        data.table(
            child = persons[column(folder, paste0(name, "_person")) + 1L],
            authority = column(folder, paste0(name, "_authority")),
            d = column(folder, paste0(name, "_day"))
        )
    }
    ref <- side("event")
    idx <- side("index")
    function() {
        ref <- setkeyv(copy(ref), c("child", "authority", "d"))
        rolled(ref, idx, c("child", "authority"), window)
    }
}

dates <- c("referral_date", "assessment_date", "closure_date")
all_columns <- c(
    "authority", "child_id", "referral_date", "referral_source", "referral_nfa",
    "assessment_date", "closure_date", "reason_for_closure"
)
four <- c("authority", "child_id", "referral_date", "closure_date")

read_file <- function(name, wanted, threads) function(folder) {
    path <- file.path(folder, paste0(name, ".csv"))
    function() {
        # Dates are detected: naming their class makes text of them first.
        fread(
            path, select = wanted, colClasses = list(character = "referral_source"),
            na.strings = "", nThread = threads, showProgress = FALSE
        )
    }
}

cohorts <- function(threads) function(folder) {
    read <- read_file("plain", c(four, "reason_for_closure"), threads)(folder)
    until <- as.IDate("2021-06-30")
    # The day twelve months after each day from 1970 on.
    every <- as.POSIXlt(as.IDate(0:40000, origin = "1970-01-01"))
    last <- as.integer(as.IDate(sprintf(
        "%d-%02d-%02d", every$year + 1901L, every$mon + 1L,
        ifelse(every$mon == 1L & every$mday == 29L, 28L, every$mday)
    )))
    function() {
        episodes <- read()
        index <- episodes[reason_for_closure %chin% c("RC8", "RC9") & !is.na(closure_date)]
        index[, end := last[as.integer(closure_date) + 1L]]
        index <- index[end <= as.integer(until)]
        ref <- episodes[, .(child_id, authority, d = as.integer(referral_date))]
        setkey(ref, child_id, authority, d)
        wanted <- index[, .(child_id, authority, d = as.integer(closure_date) + 1L)]
        row <- ref[wanted, on = .(child_id, authority, d), roll = -Inf, which = TRUE, mult = "first"]
        index[, linked := !is.na(row) & ref$d[row] <= end]
        index[, year := year(closure_date) - (month(closure_date) < 4L)]
        index[, .(n = .N, linked = sum(linked)), by = .(authority, year)]
    }
}

read_answer <- function(table) {
    found <- list(rows = nrow(table))
    for (name in sort(names(table))) {
        values <- table[[name]]
        found[[paste0(name, ", null")]] <- sum(is.na(values))
        if (name %in% dates) {
            found[[paste0(name, ", days")]] <- sum(as.numeric(values), na.rm = TRUE)
        } else if (name == "referral_nfa") {
            found[[paste0(name, ", sum")]] <- sum(values)
        }
    }
    found
}

cohorts_answer <- function(table) {
    setkey(table, authority, year)
    list(
        groups = nrow(table), n = sum(table$n), linked = sum(table$linked),
        placed = sum(as.numeric(seq_len(nrow(table))) * (table$n * 3 + table$linked))
    )
}

five_answer <- function(gaps) {
    found <- list()
    for (n in seq_along(windows)) {
        answer <- first_answer(gaps[[n]])
        names(answer) <- paste0(names(answer), ", ", windows[n], " days")
        found <- c(found, answer)
    }
    found
}

arguments <- commandArgs(trailingOnly = TRUE)
threads <- as.integer(arguments[4])
setDTthreads(threads)
job <- arguments[1]
load <- switch(job,
    link = link(), repeaters = link(), prepared = prepared, presorted = presorted,
    windows = five, text = text, csv = read_file("plain", four, threads),
    "csv-all" = read_file("plain", all_columns, threads),
    "csv-quoted" = read_file("quoted", four, threads), cohorts = cohorts(threads),
    stop("no such job: ", job)
)
answer_of <- switch(job,
    csv = , "csv-all" = , "csv-quoted" = read_answer, cohorts = cohorts_answer,
    windows = five_answer, first_answer
)

invisible(load(arguments[3])())
invisible(gc())
before <- status("VmRSS")
work <- load(arguments[2])
invisible(gc())
try(cat("5", file = "/proc/self/clear_refs"), silent = TRUE)
result <- NULL
timed <- function() {
    begin <- proc.time()[["elapsed"]]
    result <<- work()
    proc.time()[["elapsed"]] - begin
}
first_seconds <- timed()
peak <- status("VmHWM") - before
answer <- answer_of(result)
result <- NULL
invisible(gc())
seconds <- timed()
parts <- sprintf('"%s": %.0f', names(answer), unlist(answer))
cat(sprintf(
    '{"seconds": %.4f, "first_seconds": %.4f, "peak_bytes": %.0f, "input_bytes": 0, "answer": {%s}}\n',
    seconds, first_seconds, peak, paste(parts, collapse = ", ")
))
