// What altmin.hpp adds to altmin.h: views, exceptions, observers that throw, and handles that move.
#include "altmin.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <limits>
#include <string>
#include <thread>

namespace {

// Thrown by a check that does not hold; altmin::error is not derived from it.
struct wrong {
    std::string what;
};

void check(bool holds, const std::string &what)
{
    if (!holds)
        throw wrong{what};
}

// A call that must fail, with a status, and words of its message.
template <class Call>
void refused(altmin_status status, const std::string &words, Call call)
{
    try {
        call();
    } catch (const altmin::error &error) {
        check(error.status() == status, "status " + std::to_string(error.status()) + ": " + error.what());
        check(std::strstr(error.what(), words.c_str()) != nullptr, "not of `" + words + "`: " + error.what());
        return;
    }
    throw wrong{"`" + words + "` is not refused"};
}

// Points on either side of a line, and the distance from it.
template <class T>
struct points {
    static constexpr std::size_t features = 2, samples = 24;
    std::vector<T> x, distances;
    std::vector<std::int32_t> labels;

    points()
    {
        for (std::size_t j = 0; j < samples; ++j) {
            const auto a = static_cast<T>((7 * j) % 11) / 5 - 1, b = static_cast<T>((3 * j) % 13) / 6 - 1;
            x.insert(x.end(), {a, b});
            distances.push_back(a - b / 2);
            labels.push_back(distances.back() > 0 ? 1 : 0);
        }
    }

    altmin::matrix_view<const T> matrix() const { return {x, features}; }
    altmin::matrix_view<const T> targets() const { return {distances, 1}; }
};

altmin::settings small()
{
    static const std::size_t hidden[] = {5};
    altmin::settings settings;
    settings.method = ALTMIN_METHOD_PROXPROP;
    settings.hidden = hidden;
    settings.hidden_count = 1;
    settings.threads = 1;
    return settings;
}

template <class T>
altmin::trainer<T> classifier()
{
    const points<T> data;
    altmin::trainer<T> trainer(small());
    trainer.set_data(data.matrix(), data.labels);
    return trainer;
}

template <class T>
std::vector<T> scores(altmin::trainer<T> &trainer)
{
    const points<T> data;
    std::vector<T> found(trainer.info().outputs * data.samples);
    trainer.predict(data.matrix(), {found, trainer.info().outputs});
    return found;
}

void views()
{
    std::vector<float> vector{1, 2, 3, 4, 5, 6};
    const std::vector<float> fixed(vector);
    std::array<float, 6> array{6, 5, 4, 3, 2, 1};
    const std::array<float, 6> fixed_array(array);
    float plain[] = {1, 2, 3};
    const float fixed_plain[] = {1, 2, 3, 4};

    const altmin::view<float> writes(vector);
    writes[5] = 7;
    check(vector[5] == 7 && writes.data() == vector.data() && writes.size() == 6, "a view of a vector");
    altmin::view<float> same(array);
    check(same.data() == array.data() && same.end() - same.begin() == 6, "a view of an array");
    same = plain;
    check(same.data() == plain && same.size() == 3, "a view of a plain array");
    const altmin::view<float> copy(same);
    check(copy.data() == plain && copy.size() == 3, "a copy of a view");

    altmin::view<const float> reads(vector);
    check(reads.data() == vector.data(), "a view to read from a vector");
    reads = fixed;
    check(reads.data() == fixed.data() && reads.size() == 6, "of a const vector");
    reads = fixed_array;
    check(reads.data() == fixed_array.data(), "of a const array");
    reads = fixed_plain;
    check(reads.data() == fixed_plain && reads.size() == 4, "of a const plain array");
    reads = writes;
    check(reads.data() == vector.data() && !reads.empty(), "of a view to write");
    check(altmin::view<double>().empty() && altmin::view<double>().data() == nullptr, "an empty view");

    // What is const is not to be written.
    static_assert(!std::is_constructible_v<altmin::view<float>, const std::vector<float> &>);
    static_assert(!std::is_constructible_v<altmin::view<float>, const float (&)[4]>);
    static_assert(!std::is_constructible_v<altmin::view<float>, altmin::view<const float>>);
    static_assert(!std::is_constructible_v<altmin::matrix_view<float>, altmin::matrix_view<const float>>);
    static_assert(!std::is_constructible_v<altmin::view<const float>, std::vector<double> &>);

    const altmin::matrix_view<float> whole(vector, 2);
    check(whole.rows() == 2 && whole.columns() == 3 && whole.leading_dimension() == 2, "columns of a vector");
    check(&whole(1, 2) == &vector[5] && whole.column(1).data() == &vector[2] && whole.column(1).size() == 2, "elements");
    const altmin::matrix_view<const float> part(vector.data(), 1, 3, 2);
    check(&part(0, 2) == &vector[4], "every other row");
    const altmin::matrix_view<const float> constant(whole), of_const(fixed, 3), of_array(fixed_array, 6);
    check(constant.data() == vector.data() && constant.leading_dimension() == 2, "a matrix to read");
    check(of_const.columns() == 2 && of_array.columns() == 1, "a matrix of what is const");
    check(altmin::matrix_view<float>().columns() == 0, "an empty matrix");
    refused(ALTMIN_STATUS_SHAPE, "whole columns", [&] { altmin::matrix_view<const float>(fixed, 4); });
    refused(ALTMIN_STATUS_SHAPE, "whole columns", [&] { altmin::matrix_view<const float>(fixed, 0); });
}

// A function of altmin.h through altmin::call: its result, and what it says of a wrong argument.
void single_updates()
{
    std::size_t elements = 0;
    altmin::call(altmin_sums_elements, std::size_t{2}, std::size_t{3}, &elements);
    check(elements == 2 * 3 + 2 + 3 * 3 + 3, "the elements of sums");

    const double r[] = {1, 2}, p[] = {3};
    std::array<double, 6> sums{};
    std::size_t bytes = 0;
    altmin::call(altmin_sums_accumulate_workspace_f64, std::size_t{2}, std::size_t{1}, std::size_t{1}, &bytes);
    std::vector<double> workspace(bytes / sizeof(double) + 1);
    const auto accumulate = [&](std::int32_t parts, std::size_t ldr) {
        altmin::call(altmin_sums_accumulate_f64, parts, std::size_t{2}, std::size_t{1}, std::size_t{1}, r, ldr, p,
                     std::size_t{1}, sums.data(), workspace.data(), bytes);
    };
    refused(ALTMIN_STATUS_CODE, "`parts`", [&] { accumulate(99, 2); });
    refused(ALTMIN_STATUS_LEADING_DIMENSION, "`r`", [&] { accumulate(ALTMIN_PARTS_ALL, 1); });
    check(std::all_of(sums.begin(), sums.end(), [](double sum) { return sum == 0; }), "a refused call has written");
    accumulate(ALTMIN_PARTS_ALL, 2);
    check(sums == std::array<double, 6>{3, 6, 1, 2, 9, 3}, "the sums");
}

void settings_that_are_wrong()
{
    const auto make = [](const altmin::settings &settings) { altmin::trainer<float> trainer(settings); };
    altmin::settings unknown = small();
    unknown.method = 99;
    refused(ALTMIN_STATUS_CODE, "`method`", [&] { make(unknown); });
    altmin::settings options = small();
    options.options = "wings = 2\n";
    refused(ALTMIN_STATUS_SETTING, "wings", [&] { make(options); });
    altmin::settings size = small();
    size.struct_size = 8;
    refused(ALTMIN_STATUS_STRUCT_SIZE, "`settings`", [&] { make(size); });
    altmin::settings precision = small();
    precision.precision = ALTMIN_PRECISION_F64;
    refused(ALTMIN_STATUS_SETTING, "`precision`", [&] { make(precision); });
    altmin::trainer<double> suits(precision);
    check(suits.info().precision == ALTMIN_PRECISION_F64, "the precision");
}

// Before there is data, nothing can be asked of the network.
void too_early()
{
    const points<float> data;
    altmin::trainer<float> trainer(small());
    std::vector<float> found(data.samples, -1.0f);
    refused(ALTMIN_STATUS_STATE, "data", [&] { trainer.step(1); });
    refused(ALTMIN_STATUS_STATE, "data", [&] { trainer.predict(data.matrix(), {found, 1}); });
    refused(ALTMIN_STATUS_STATE, "data", [&] { trainer.classify(data.matrix()); });
    refused(ALTMIN_STATUS_STATE, "data", [&] { trainer.evaluate(data.matrix(), data.labels); });
    refused(ALTMIN_STATUS_STATE, "data", [&] { trainer.weights(0); });
    refused(ALTMIN_STATUS_STATE, "data", [&] { trainer.set_test_data(data.matrix(), data.labels); });
    check(found == std::vector<float>(data.samples, -1.0f) && trainer.info().samples == 0, "a refused call has written");
}

// Calls that fail change nothing: neither what they were to write, nor the training, which goes on as if they had not been.
template <class T>
void failures_change_nothing()
{
    const points<T> data;
    const std::string path = "wrapper-no-model";
    std::ofstream(path) << "no model";
    altmin::trainer<T> trainer = classifier<T>(), undisturbed = classifier<T>();
    trainer.step(2);
    undisturbed.step(2);

    const auto few = data.matrix().columns() - 1;
    const altmin::matrix_view<const T> fewer(data.x.data(), data.features, few), narrow(data.x.data(), 1, data.samples, 2);
    const altmin::matrix_view<const T> overlong(data.x.data(), data.features, data.samples, 1);
    points<T> holed;
    holed.x[5] = std::numeric_limits<T>::quiet_NaN();
    std::vector<std::int32_t> negative(data.labels);
    negative[3] = -1;

    refused(ALTMIN_STATUS_SHAPE, "`labels`", [&] { trainer.set_data(fewer, data.labels); });
    refused(ALTMIN_STATUS_SHAPE, "`targets`", [&] { trainer.set_data(fewer, data.targets()); });
    refused(ALTMIN_STATUS_LEADING_DIMENSION, "`x`", [&] { trainer.set_data(overlong, data.labels); });
    refused(ALTMIN_STATUS_NON_FINITE, "`x`", [&] { trainer.set_data(holed.matrix(), data.labels); });
    refused(ALTMIN_STATUS_SETTING, "`classes`", [&] { trainer.set_data(data.matrix(), negative); });
    refused(ALTMIN_STATUS_SETTING, "", [&] { trainer.set_data(data.matrix(), data.targets()); });
    refused(ALTMIN_STATUS_SHAPE, "`n_features`", [&] { trainer.set_test_data(narrow, data.labels); });
    refused(ALTMIN_STATUS_SHAPE, "`labels`", [&] { trainer.evaluate(fewer, data.labels); });
    refused(ALTMIN_STATUS_SETTING, "`targets`", [&] { trainer.evaluate(data.matrix(), data.targets()); });
    refused(ALTMIN_STATUS_NON_FINITE, "`x`", [&] { trainer.classify(holed.matrix()); });
    refused(ALTMIN_STATUS_SHAPE, "`n_features`", [&] { trainer.classify(narrow); });
    refused(ALTMIN_STATUS_IO, "missing", [&] { trainer.load("missing-file"); });
    refused(ALTMIN_STATUS_FORMAT, path, [&] { trainer.load(path); });
    refused(ALTMIN_STATUS_IO, "missing", [&] { trainer.save("missing-folder/file"); });
    refused(ALTMIN_STATUS_IO, "missing", [&] { trainer.checkpoint("missing-folder/file"); });
    refused(ALTMIN_STATUS_IO, "missing", [&] { trainer.resume("missing-file"); });
    refused(ALTMIN_STATUS_IO, "missing", [] { altmin::model<T>("missing-file"); });
    refused(ALTMIN_STATUS_FORMAT, path, [&] { altmin::model<T> model(path); });

    std::vector<T> written(2 * data.samples, T{-1});
    refused(ALTMIN_STATUS_SHAPE, "`scores`", [&] { trainer.predict(data.matrix(), {written, 1}); });
    refused(ALTMIN_STATUS_SHAPE, "`scores`", [&] { trainer.predict(data.matrix(), {written, 4}); });
    refused(ALTMIN_STATUS_NON_FINITE, "`x`", [&] { trainer.predict(holed.matrix(), {written, 2}); });
    check(written == std::vector<T>(2 * data.samples, T{-1}), "a refused call has written");

    altmin::weights<T> first = trainer.weights(0);
    refused(ALTMIN_STATUS_SETTING, "`index`", [&] { trainer.weights(2); });
    refused(ALTMIN_STATUS_SETTING, "`index`", [&] { trainer.set_weights(2, first.matrix(), first.b); });
    refused(ALTMIN_STATUS_SHAPE, "`w`", [&] { trainer.set_weights(0, {first.w, 1}, first.b); });
    refused(ALTMIN_STATUS_SHAPE, "`b`", [&] { trainer.set_weights(0, first.matrix(), {first.b.data(), 1}); });
    first.w[0] = std::numeric_limits<T>::infinity();
    refused(ALTMIN_STATUS_NON_FINITE, "`w`", [&] { trainer.set_weights(0, first.matrix(), first.b); });

    check(trainer.step(2) == ALTMIN_OUTCOME_RUNNING && trainer.info().sweeps == 4, "the training goes on");
    undisturbed.step(2);
    check(scores(trainer) == scores(undisturbed), "a refused call has changed the training");
    std::remove(path.c_str());
}

// What an observer throws comes out of the step, which has ended after that sweep; the next one goes on from there.
void observers()
{
    const points<float> data;
    altmin::trainer<float> trainer = classifier<float>();
    std::vector<std::size_t> sweeps;
    const auto follow = [&](const altmin_metrics &metrics) {
        sweeps.push_back(metrics.sweep);
        return false;
    };
    trainer.observe([&](const altmin_metrics &metrics) -> bool {
        follow(metrics);
        throw std::out_of_range("on purpose");
    });
    for (std::size_t times = 1; times <= 2; ++times) {
        std::string said;
        try {
            trainer.step(5);
        } catch (const std::out_of_range &thrown) {
            said = thrown.what();
        }
        check(said == "on purpose", "the observer's exception");
        check(sweeps.size() == times && trainer.info().sweeps == times, "the step has ended");
    }

    trainer.observe([&](const altmin_metrics &metrics) { return follow(metrics) || metrics.sweep == 4; });
    check(trainer.step(5) == ALTMIN_OUTCOME_STOPPED && trainer.info().sweeps == 4, "the observer stops");

    // In an observer the trainer can be read, and not be changed; that exception comes out too.
    trainer.observe([&](const altmin_metrics &metrics) {
        check(trainer.info().sweeps == metrics.sweep && trainer.weights(1).n_out == 2, "what an observer reads");
        check(trainer.classify(data.matrix()).size() == data.samples, "what an observer predicts");
        trainer.set_nu(2.0);
        return false;
    });
    refused(ALTMIN_STATUS_BUSY, "at work", [&] { trainer.step(1); });
    trainer.observe([&](const altmin_metrics &) {
        trainer.observe(nullptr);
        return false;
    });
    refused(ALTMIN_STATUS_BUSY, "at work", [&] { trainer.step(1); });

    // Between steps it changes, and threads may be another trainer's too.
    refused(ALTMIN_STATUS_SETTING, "`learning-rate`", [&] { trainer.set_learning_rate(0.1); });
    refused(ALTMIN_STATUS_SETTING, "`rho`", [&] { trainer.set_rho(0.5); });
    altmin::settings changing = small();
    changing.method = ALTMIN_METHOD_PDADMM;
    const altmin::threads two(2);
    changing.threads = 2;
    altmin::trainer<float> other(changing);
    other.use_threads(two);
    other.set_data(data.matrix(), data.labels);
    other.step(2);
    other.set_nu(0.5);
    other.set_rho(3.0);
    other.set_metrics_every(0);
    refused(ALTMIN_STATUS_SETTING, "`rho`", [&] { other.set_rho(0.0); });
    check(other.step(2) == ALTMIN_OUTCOME_RUNNING && std::isnan(other.info().loss), "a sweep without metrics");
    refused(ALTMIN_STATUS_SHAPE, "`count`", [] { altmin::threads none(0); });
    std::vector<std::thread> own;
    {
        const altmin::threads started(
            2,
            [](void (*task)(void *), void *argument, void *context) -> int32_t {
                static_cast<std::vector<std::thread> *>(context)->emplace_back(task, argument);
                return 0;
            },
            &own);
        check(own.size() == 2, "threads of the program's own");
    }
    for (std::thread &thread : own)
        thread.join();
    const altmin::threads three(3);
    refused(ALTMIN_STATUS_SHAPE, "`threads`", [&] { trainer.use_threads(three); });

    // It goes with the trainer, wherever that moves; what it goes to loses its own.
    trainer.observe(follow);
    altmin::trainer<float> moved(std::move(trainer));
    check(moved.step(1) == ALTMIN_OUTCOME_RUNNING, "a trainer that was moved");
    altmin::trainer<float> assigned = classifier<float>();
    assigned.observe([](const altmin_metrics &) -> bool { throw wrong{"an observer whose trainer is gone"}; });
    assigned = std::move(moved);
    check(assigned.step(1) == ALTMIN_OUTCOME_RUNNING, "a trainer that was assigned");
    check(sweeps == std::vector<std::size_t>{1, 2, 3, 4, 7, 8}, "whom the sweeps were told");
    for (altmin::trainer<float> *empty : {&trainer, &moved}) {
        refused(ALTMIN_STATUS_NULL, "NULL", [&] { empty->step(1); });
        empty->stop();
    }

    assigned.observe(nullptr);
    assigned.stop();
    check(assigned.step(3) == ALTMIN_OUTCOME_STOPPED && assigned.info().sweeps == 8, "stopped beforehand");
    check(assigned.step(3) == ALTMIN_OUTCOME_RUNNING && sweeps.size() == 6, "nobody is told any more");
}

template <class T>
void classes_are_learnt()
{
    const points<T> data;
    altmin::trainer<T> trainer = classifier<T>();
    trainer.set_test_data(data.matrix(), data.labels);
    double loss = 0, accuracy = 0;
    trainer.observe([&](const altmin_metrics &metrics) {
        loss = metrics.loss;
        accuracy = metrics.test_accuracy;
        return false;
    });
    trainer.step(30);
    const altmin::score score = trainer.evaluate(data.matrix(), data.labels);
    check(score.accuracy >= 0.9 && score.accuracy == accuracy, "accuracy " + std::to_string(score.accuracy));
    check(std::abs(score.loss - loss) <= 1e-5 * loss, "the loss");

    const altmin_info info = trainer.info();
    check(info.outputs == 2 && info.features == 2 && info.samples == data.samples && !info.regression, "info");
    const std::vector<T> found = scores(trainer);
    const std::vector<std::int32_t> classes = trainer.classify(data.matrix());
    for (std::size_t j = 0; j < data.samples; ++j)
        check(classes[j] == (found[2 * j + 1] > found[2 * j] ? 1 : 0), "the class of the largest score");
    check(trainer.classify({data.x.data(), data.features, 0}).empty(), "no samples, no classes");
}

template <class T>
void values_are_learnt()
{
    const points<T> data;
    altmin::settings settings = small();
    settings.loss = ALTMIN_LOSS_LEAST_SQUARES;
    altmin::trainer<T> trainer(settings);
    trainer.set_data(data.matrix(), data.targets());
    trainer.set_test_data(data.matrix(), data.targets());
    trainer.step(40);
    const altmin::score score = trainer.evaluate(data.matrix(), data.targets());
    check(trainer.info().regression && score.accuracy > 0.9, "R^2 " + std::to_string(score.accuracy));
    refused(ALTMIN_STATUS_SETTING, "`classes`", [&] { trainer.classify(data.matrix()); });

    // R^2 by hand, of scores that lie in every other row.
    std::vector<T> spread(2 * data.samples, T{-7});
    trainer.predict(data.matrix(), {spread.data(), 1, data.samples, 2});
    double mean = 0, residual = 0, total = 0;
    for (const T distance : data.distances)
        mean += static_cast<double>(distance) / static_cast<double>(data.samples);
    for (std::size_t j = 0; j < data.samples; ++j) {
        residual += std::pow(static_cast<double>(data.distances[j] - spread[2 * j]), 2);
        total += std::pow(static_cast<double>(data.distances[j]) - mean, 2);
        check(spread[2 * j + 1] == T{-7}, "what lies between the scores");
    }
    check(std::abs(1 - residual / total - score.accuracy) < 1e-4, "R^2 by hand");
}

// Weights go out and in again, from memory with gaps too; a file says what the trainer says.
template <class T>
void weights_and_files()
{
    const points<T> data;
    altmin::trainer<T> trainer = classifier<T>(), other = classifier<T>();
    trainer.step(10);
    check(scores(trainer) != scores(other), "ten sweeps change something");
    const altmin::weights<T> outer = trainer.weights(1), inner = trainer.weights(0);
    check(inner.n_out == 5 && inner.n_in == 2 && outer.n_out == 2 && outer.n_in == 5, "the maps' shapes");

    // Rows 1 to n_out of columns of n_out + 2.
    const std::size_t gapped = inner.n_out + 2;
    std::vector<T> memory(gapped * inner.n_in, std::numeric_limits<T>::quiet_NaN());
    const altmin::matrix_view<T> strided(memory.data() + 1, inner.n_out, inner.n_in, gapped);
    for (std::size_t j = 0; j < inner.n_in; ++j)
        for (std::size_t i = 0; i < inner.n_out; ++i)
            strided(i, j) = inner.matrix()(i, j);
    other.set_weights(0, strided, inner.b);
    other.set_weights(1, outer.matrix(), outer.b);
    check(other.weights(0).w == inner.w && other.weights(0).b == inner.b && other.weights(1).w == outer.w, "a round trip");
    check(scores(other) == scores(trainer), "the same weights say the same");

    const std::string path = "wrapper-model";
    trainer.save(path);
    altmin::trainer<T> loaded = classifier<T>();
    loaded.load(path);
    check(scores(loaded) == scores(trainer), "a file that was loaded");
    altmin::trainer<T> resumed = classifier<T>(), from_memory = classifier<T>();
    trainer.checkpoint(path + ".state");
    resumed.resume(path + ".state");
    from_memory.resume(trainer.checkpoint());
    check(scores(resumed) == scores(trainer), "a state from a file");
    check(scores(from_memory) == scores(trainer), "a state from memory");
    std::remove((path + ".state").c_str());
    altmin::model<T> first(path);
    const altmin::model<T> model(std::move(first));
    std::vector<T> found(2 * data.samples, T{0});
    model.predict(data.matrix(), {found, 2});
    check(found == scores(trainer) && model.classify(data.matrix()) == trainer.classify(data.matrix()), "the model");
    check(model.info().parameters == 5 * 3 + 2 * 6 && model.info().outputs == 2, "the model's info");
    std::fill(found.begin(), found.end(), T{-1});
    refused(ALTMIN_STATUS_SHAPE, "`scores`", [&] { model.predict(data.matrix(), {found, 3}); });
    refused(ALTMIN_STATUS_SHAPE, "`n_features`", [&] { model.classify({data.x, 4}); });
    refused(ALTMIN_STATUS_NULL, "`model`", [&] { first.info(); });
    check(found == std::vector<T>(2 * data.samples, T{-1}), "a refused call has written");

    // A network of another shape is not taken over.
    altmin::settings wider = small();
    const std::size_t hidden[] = {6};
    wider.hidden = hidden;
    altmin::trainer<T> different(wider);
    different.set_data(data.matrix(), data.labels);
    const std::vector<T> before = scores(different);
    refused(ALTMIN_STATUS_FORMAT, path, [&] { different.load(path); });
    check(scores(different) == before, "a refused file has changed the network");
    std::remove(path.c_str());
}

template <class T>
void both()
{
    failures_change_nothing<T>();
    classes_are_learnt<T>();
    values_are_learnt<T>();
    weights_and_files<T>();
}

static_assert(!std::is_copy_constructible_v<altmin::trainer<float>> && !std::is_copy_constructible_v<altmin::model<float>>);
static_assert(std::is_nothrow_move_constructible_v<altmin::trainer<float>>);

}  // namespace

int main()
{
    try {
        views();
        single_updates();
        settings_that_are_wrong();
        too_early();
        observers();
        both<float>();
        both<double>();
        return 0;
    } catch (const wrong &wrong) {
        std::fprintf(stderr, "%s\n", wrong.what.c_str());
    } catch (const std::exception &error) {
        std::fprintf(stderr, "not expected: %s\n", error.what());
    }
    return 1;
}
