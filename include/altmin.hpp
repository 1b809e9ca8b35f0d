// altmin.hpp: altmin.h for C++17. Handles that free themselves, views of memory with their shape, and exceptions.
//
// Nothing here computes anything: altmin.h says what the functions do, and this header only calls them. Views show memory
// and do not own it. Every function that fails throws altmin::error, and then nothing has changed.
#ifndef ALTMIN_HPP
#define ALTMIN_HPP

#include "altmin.h"

#include <cstddef>
#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

namespace altmin {

// What a failed call says: its status, and a message that names the argument.
class error : public std::runtime_error {
public:
    error(altmin_status status, const char *message)
        : std::runtime_error(message != nullptr && *message != '\0' ? message : altmin_status_text(status)), status_(status)
    {
    }

    altmin_status status() const noexcept { return status_; }

private:
    altmin_status status_;
};

// Calls a function of altmin.h whose last argument is the error, which is added here:
//
//     altmin::call(altmin_hidden_step_f32, ALTMIN_PROXIMAL_YES, altmin_activation_fn{ALTMIN_ACTIVATION_RELU, 0.0}, n_out, m, ..., &moved);
template <class Function, class... Arguments>
void call(Function function, Arguments... arguments)
{
    altmin_error why;
    const altmin_status status = function(arguments..., &why);
    if (status != ALTMIN_STATUS_OK)
        throw error(status, why.message);
}

// Numbers one after the other, as std::span of C++20; of constant T to read.
template <class T>
class view {
public:
    constexpr view() noexcept = default;
    constexpr view(T *data, std::size_t size) noexcept : data_(data), size_(size) {}

    // From a container with data() and size(): std::vector, std::array, another view.
    template <class Container, class = std::enable_if_t<std::is_convertible_v<
                                   decltype(std::declval<Container &>().data()), T *>>>
    constexpr view(Container &container) noexcept : data_(container.data()), size_(container.size())
    {
    }

    template <class Container, class = std::enable_if_t<std::is_convertible_v<
                                   decltype(std::declval<const Container &>().data()), T *>>>
    constexpr view(const Container &container) noexcept : data_(container.data()), size_(container.size())
    {
    }

    // From an array of C.
    template <std::size_t N>
    constexpr view(T (&array)[N]) noexcept : data_(array), size_(N)
    {
    }

    constexpr T *data() const noexcept { return data_; }
    constexpr std::size_t size() const noexcept { return size_; }
    constexpr bool empty() const noexcept { return size_ == 0; }
    constexpr T &operator[](std::size_t i) const noexcept { return data_[i]; }
    constexpr T *begin() const noexcept { return data_; }
    constexpr T *end() const noexcept { return data_ + size_; }

private:
    T *data_ = nullptr;
    std::size_t size_ = 0;
};

// A matrix, column-major: features x samples. Element (i, j) is data()[i + j * leading_dimension()].
template <class T>
class matrix_view {
public:
    constexpr matrix_view() noexcept = default;

    constexpr matrix_view(T *data, std::size_t rows, std::size_t columns) noexcept
        : matrix_view(data, rows, columns, rows)
    {
    }

    constexpr matrix_view(T *data, std::size_t rows, std::size_t columns, std::size_t leading_dimension) noexcept
        : data_(data), rows_(rows), columns_(columns), leading_dimension_(leading_dimension)
    {
    }

    // Memory without gaps, `rows` numbers a column; throws if there is a part of a column left.
    matrix_view(view<T> numbers, std::size_t rows)
        : matrix_view(numbers.data(), rows, rows == 0 ? 0 : numbers.size() / rows)
    {
        if (rows_ * columns_ != numbers.size())
            throw error(ALTMIN_STATUS_SHAPE, "the numbers do not fill whole columns");
    }

    // A view to read from one to write.
    template <class U = T, class = std::enable_if_t<std::is_const_v<U>>>
    constexpr matrix_view(const matrix_view<std::remove_const_t<U>> &other) noexcept
        : matrix_view(other.data(), other.rows(), other.columns(), other.leading_dimension())
    {
    }

    constexpr T *data() const noexcept { return data_; }
    constexpr std::size_t rows() const noexcept { return rows_; }
    constexpr std::size_t columns() const noexcept { return columns_; }
    constexpr std::size_t leading_dimension() const noexcept { return leading_dimension_; }
    constexpr T &operator()(std::size_t i, std::size_t j) const noexcept { return data_[i + j * leading_dimension_]; }
    constexpr view<T> column(std::size_t j) const noexcept { return {data_ + j * leading_dimension_, rows_}; }

private:
    T *data_ = nullptr;
    std::size_t rows_ = 0, columns_ = 0, leading_dimension_ = 0;
};

// altmin_settings with its defaults filled in. A precision that is set here must be that of the trainer.
struct settings : altmin_settings {
    settings()
    {
        const altmin_status status = altmin_settings_init(this, sizeof(altmin_settings));
        if (status != ALTMIN_STATUS_OK)
            throw error(status, nullptr);
    }
};

// Mean risk, and the share of samples that is classified rightly, or R^2 where values are learnt.
struct score {
    double loss, accuracy;
};

// Weights and bias of a linear map, W column-major of n_out x n_in.
template <class T>
struct weights {
    std::size_t n_out, n_in;
    std::vector<T> w, b;

    matrix_view<T> matrix() { return {w.data(), n_out, n_in}; }
    matrix_view<const T> matrix() const { return {w.data(), n_out, n_in}; }
};

// The functions of one precision.
template <class T>
struct functions;

template <>
struct functions<float> {
    static constexpr altmin_precision precision = ALTMIN_PRECISION_F32;
    static constexpr auto set_data = altmin_trainer_set_data_f32;
    static constexpr auto set_test_data = altmin_trainer_set_test_data_f32;
    static constexpr auto evaluate = altmin_trainer_evaluate_f32;
    static constexpr auto predict = altmin_trainer_predict_f32;
    static constexpr auto get_weights = altmin_trainer_get_weights_f32;
    static constexpr auto set_weights = altmin_trainer_set_weights_f32;
    static constexpr auto predict_by_model = altmin_model_predict_f32;
};

template <>
struct functions<double> {
    static constexpr altmin_precision precision = ALTMIN_PRECISION_F64;
    static constexpr auto set_data = altmin_trainer_set_data_f64;
    static constexpr auto set_test_data = altmin_trainer_set_test_data_f64;
    static constexpr auto evaluate = altmin_trainer_evaluate_f64;
    static constexpr auto predict = altmin_trainer_predict_f64;
    static constexpr auto get_weights = altmin_trainer_get_weights_f64;
    static constexpr auto set_weights = altmin_trainer_set_weights_f64;
    static constexpr auto predict_by_model = altmin_model_predict_f64;
};

namespace detail {

inline void require(bool holds, const char *message)
{
    if (!holds)
        throw error(ALTMIN_STATUS_SHAPE, message);
}

}  // namespace detail

// Threads for several trainers, which work for one of them at a time. May be moved, not copied; trainers keep what they use.
class threads {
public:
    explicit threads(std::size_t count)
    {
        altmin_threads *made = nullptr;
        call(altmin_threads_new, count, &made);
        handle_.reset(made);
    }

    // Threads of the caller's (altmin_threads_new_with).
    threads(std::size_t count, altmin_start start, void *context)
    {
        altmin_threads *made = nullptr;
        call(altmin_threads_new_with, count, start, context, &made);
        handle_.reset(made);
    }

    // The C handle, for functions without a wrapper.
    altmin_threads *get() const noexcept { return handle_.get(); }

private:
    struct freeing {
        void operator()(altmin_threads *threads) const noexcept { altmin_threads_free(threads); }
    };

    std::unique_ptr<altmin_threads, freeing> handle_;
};

// A training in float or double. May be moved, not copied. One thread at a time, but for stop().
template <class T>
class trainer {
    using functions = altmin::functions<T>;

public:
    // Told of every sweep; true ends the step. What it throws ends the step too, and comes out of it.
    using observer = std::function<bool(const altmin_metrics &)>;

    // altmin_trainer_new; the precision is T's.
    explicit trainer(altmin_settings chosen)
    {
        if (chosen.precision != ALTMIN_DEFAULT && chosen.precision != functions::precision)
            throw error(ALTMIN_STATUS_SETTING, "`precision` is not the trainer's");
        chosen.precision = functions::precision;
        altmin_trainer *made = nullptr;
        call(altmin_trainer_new, &chosen, &made);
        handle_.reset(made);
    }

    // altmin_trainer_set_data with classes from 0; classes = 0 counts them.
    void set_data(matrix_view<const T> x, view<const std::int32_t> labels, std::size_t classes = 0)
    {
        detail::require(labels.size() == x.columns(), "`labels` has not one class for each sample");
        require(functions::set_data(get(), x.rows(), x.columns(), x.data(), x.leading_dimension(), labels.data(), classes,
                                    nullptr, 0, 0));
    }

    // altmin_trainer_set_data with values to learn, outputs x samples.
    void set_data(matrix_view<const T> x, matrix_view<const T> targets)
    {
        detail::require(targets.columns() == x.columns(), "`targets` has not one column for each sample");
        require(functions::set_data(get(), x.rows(), x.columns(), x.data(), x.leading_dimension(), nullptr, 0,
                                    targets.data(), targets.rows(), targets.leading_dimension()));
    }

    // altmin_trainer_set_test_data.
    void set_test_data(matrix_view<const T> x, view<const std::int32_t> labels)
    {
        detail::require(labels.size() == x.columns(), "`labels` has not one class for each sample");
        require(functions::set_test_data(get(), x.rows(), x.columns(), x.data(), x.leading_dimension(), labels.data(),
                                         nullptr, 0, 0));
    }

    void set_test_data(matrix_view<const T> x, matrix_view<const T> targets)
    {
        detail::require(targets.columns() == x.columns(), "`targets` has not one column for each sample");
        require(functions::set_test_data(get(), x.rows(), x.columns(), x.data(), x.leading_dimension(), nullptr,
                                         targets.data(), targets.rows(), targets.leading_dimension()));
    }

    // altmin_trainer_use_threads: of the trainings that set_data begins from now on.
    void use_threads(const threads &shared) { require(altmin_trainer_use_threads(get(), shared.get())); }

    // altmin_trainer_set_nu, _set_rho, _set_learning_rate: from the next sweep on.
    void set_nu(double nu) { require(altmin_trainer_set_nu(get(), nu)); }
    void set_rho(double rho) { require(altmin_trainer_set_rho(get(), rho)); }
    void set_learning_rate(double rate) { require(altmin_trainer_set_learning_rate(get(), rate)); }

    // altmin_trainer_set_metrics_every; 0: never.
    void set_metrics_every(std::size_t sweeps) { require(altmin_trainer_set_metrics_every(get(), sweeps)); }

    // altmin_trainer_step.
    altmin_outcome step(std::size_t sweeps)
    {
        std::int32_t outcome = ALTMIN_OUTCOME_RUNNING;
        const altmin_status status = altmin_trainer_step(get(), sweeps, &outcome);
        if (watch_ && watch_->thrown)
            std::rethrow_exception(std::exchange(watch_->thrown, nullptr));
        require(status);
        return static_cast<altmin_outcome>(outcome);
    }

    // altmin_trainer_stop: from any thread at any time.
    void stop() noexcept { altmin_trainer_stop(get()); }

    // altmin_trainer_set_observer; an empty function removes it.
    void observe(observer wanted)
    {
        if (!wanted) {
            require(altmin_trainer_set_observer(get(), nullptr, nullptr));
            watch_.reset();
            return;
        }
        auto watch = std::make_unique<watching>(watching{std::move(wanted), nullptr});
        require(altmin_trainer_set_observer(get(), &trainer::told, watch.get()));
        watch_ = std::move(watch);
    }

    // altmin_trainer_evaluate.
    score evaluate(matrix_view<const T> x, view<const std::int32_t> labels)
    {
        detail::require(labels.size() == x.columns(), "`labels` has not one class for each sample");
        score found{};
        require(functions::evaluate(get(), x.rows(), x.columns(), x.data(), x.leading_dimension(), labels.data(), nullptr,
                                    0, 0, &found.loss, &found.accuracy));
        return found;
    }

    score evaluate(matrix_view<const T> x, matrix_view<const T> targets)
    {
        detail::require(targets.columns() == x.columns(), "`targets` has not one column for each sample");
        score found{};
        require(functions::evaluate(get(), x.rows(), x.columns(), x.data(), x.leading_dimension(), nullptr,
                                    targets.data(), targets.rows(), targets.leading_dimension(), &found.loss,
                                    &found.accuracy));
        return found;
    }

    // altmin_trainer_predict: the outputs of the last layer, outputs x samples.
    void predict(matrix_view<const T> x, matrix_view<T> scores)
    {
        detail::require(scores.columns() == x.columns(), "`scores` has not one column for each sample");
        const std::size_t outputs = info().outputs;
        // Before there is data there are none, which the function says itself.
        detail::require(outputs == 0 || scores.rows() == outputs, "`scores` has not one row for each output");
        require(functions::predict(get(), x.rows(), x.columns(), x.data(), x.leading_dimension(), scores.data(),
                                   scores.leading_dimension(), nullptr));
    }

    // altmin_trainer_predict: the class of each sample.
    std::vector<std::int32_t> classify(matrix_view<const T> x)
    {
        std::vector<std::int32_t> classes(x.columns());
        // A vector without elements has no memory, which would say that classes are not wanted.
        if (!classes.empty())
            require(functions::predict(get(), x.rows(), x.columns(), x.data(), x.leading_dimension(), nullptr, 0,
                                       classes.data()));
        return classes;
    }

    // altmin_trainer_info.
    altmin_info info() const
    {
        altmin_info found{};
        found.struct_size = sizeof found;
        require(altmin_trainer_info(get(), &found));
        return found;
    }

    // altmin_trainer_get_weights.
    altmin::weights<T> weights(std::size_t index) const
    {
        altmin::weights<T> found{};
        require(altmin_trainer_weights_shape(get(), index, &found.n_out, &found.n_in));
        found.w.resize(found.n_out * found.n_in);
        found.b.resize(found.n_out);
        require(functions::get_weights(get(), index, found.w.data(), found.n_out, found.b.data()));
        return found;
    }

    // altmin_trainer_set_weights.
    void set_weights(std::size_t index, matrix_view<const T> w, view<const T> b)
    {
        std::size_t n_out = 0, n_in = 0;
        require(altmin_trainer_weights_shape(get(), index, &n_out, &n_in));
        detail::require(w.rows() == n_out && w.columns() == n_in, "`w` is not of the map's shape");
        detail::require(b.size() == n_out, "`b` has not one number for each output");
        require(functions::set_weights(get(), index, w.data(), w.leading_dimension(), b.data()));
    }

    // altmin_trainer_save and _load: the command line's model file.
    void save(const std::string &path) const { require(altmin_trainer_save(get(), path.c_str())); }
    void load(const std::string &path) { require(altmin_trainer_load(get(), path.c_str())); }

    // altmin_trainer_checkpoint and _resume: the whole state, in a file or in memory.
    void checkpoint(const std::string &path) const { require(altmin_trainer_checkpoint(get(), path.c_str())); }
    void resume(const std::string &path) { require(altmin_trainer_resume(get(), path.c_str())); }
    std::vector<unsigned char> checkpoint() const
    {
        std::vector<unsigned char> bytes;
        require(altmin_trainer_checkpoint_to(get(), appended, &bytes));
        return bytes;
    }
    void resume(view<const unsigned char> bytes)
    {
        require(altmin_trainer_resume_from(get(), bytes.data(), bytes.size()));
    }

    // For functions of altmin.h; still this object's.
    altmin_trainer *get() const noexcept { return handle_.get(); }

private:
    struct watching {
        observer tell;
        std::exception_ptr thrown;
    };

    struct freeing {
        void operator()(altmin_trainer *handle) const noexcept { altmin_trainer_free(handle); }
    };

    // No exception may pass through the library: what does not fit into memory is refused.
    static std::int32_t appended(const void *bytes, std::size_t count, void *context) noexcept
    {
        try {
            const auto *first = static_cast<const unsigned char *>(bytes);
            auto &all = *static_cast<std::vector<unsigned char> *>(context);
            all.insert(all.end(), first, first + count);
            return 0;
        } catch (...) {
            return 1;
        }
    }

    // No exception may pass through the library: it waits here for the end of the step.
    static std::int32_t told(const altmin_metrics *metrics, void *context)
    {
        auto &watch = *static_cast<watching *>(context);
        try {
            return watch.tell(*metrics) ? 1 : 0;
        } catch (...) {
            watch.thrown = std::current_exception();
            return 1;
        }
    }

    void require(altmin_status status) const
    {
        if (status != ALTMIN_STATUS_OK) {
            altmin_error why;
            altmin_trainer_error(get(), &why);
            throw error(status, why.message);
        }
    }

    // Freed after the handle, which may call it until then.
    std::unique_ptr<watching> watch_;
    std::unique_ptr<altmin_trainer, freeing> handle_;
};

// A network from a file, to be used and not trained. Any number of threads may use it at once.
template <class T>
class model {
    using functions = altmin::functions<T>;

public:
    // altmin_model_load.
    explicit model(const std::string &path)
    {
        altmin_model *made = nullptr;
        call(altmin_model_load, path.c_str(), static_cast<std::int32_t>(functions::precision), &made);
        handle_.reset(made);
    }

    // altmin_model_info.
    altmin_info info() const
    {
        altmin_info found{};
        found.struct_size = sizeof found;
        call(altmin_model_info, get(), &found);
        return found;
    }

    // altmin_model_predict: the outputs of the last layer, outputs x samples.
    void predict(matrix_view<const T> x, matrix_view<T> scores) const
    {
        detail::require(scores.columns() == x.columns(), "`scores` has not one column for each sample");
        detail::require(scores.rows() == info().outputs, "`scores` has not one row for each output");
        call(functions::predict_by_model, get(), x.rows(), x.columns(), x.data(), x.leading_dimension(), scores.data(),
             scores.leading_dimension(), nullptr);
    }

    // altmin_model_predict: the class of each sample.
    std::vector<std::int32_t> classify(matrix_view<const T> x) const
    {
        std::vector<std::int32_t> classes(x.columns());
        if (!classes.empty())
            call(functions::predict_by_model, get(), x.rows(), x.columns(), x.data(), x.leading_dimension(), nullptr,
                 std::size_t{0}, classes.data());
        return classes;
    }

    // For functions of altmin.h; still this object's.
    altmin_model *get() const noexcept { return handle_.get(); }

private:
    struct freeing {
        void operator()(altmin_model *handle) const noexcept { altmin_model_free(handle); }
    };

    std::unique_ptr<altmin_model, freeing> handle_;
};

}  // namespace altmin

#endif  // ALTMIN_HPP
